"""Which fusion task two volumes make: decided from tags, values, colour and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.errors import InputError, note
from mactfusion.option_table import TASKS
from mactfusion.transforms.volume import (
    is_8_bit_picture,
    is_picture,
    name_of,
    noted,
    plain,
    sample_voxels,
    with_voxels,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

_DICOM_MODALITIES = ("MR", "CT", "PT", "NM")
_TASK_OF_PARTNER = {"CT": "ct-mri", "PT": "pet-mri", "NM": "spect-mri"}
_PARTNER_OF_TASK = {
    "ct-mri": ("CT",),
    "pet-mri": ("PT", "color"),
    "spect-mri": ("NM", "color"),
    "mr-mr": ("MR",),
    "gfp-pc": ("color",),
}
_UPTAKE_UNITS = ("BQML", "SUV", "GML")
_RESCALE_OFFSET = 1024
_GREEN_SHARE = 0.6


def guess_modality(volume: MetaTensor) -> tuple[str, str]:
    """Guess what kind of image a volume holds.

    A DICOM tag is believed first, then units, colour, and the histogram of Hounsfield units.
    Non-negative scalar values without tag fit MR, PET and SPECT alike and are left open.

    Args:
        volume: ``(C, I, J, K)``, native values.

    Returns:
        ``(modality, reason)``. The modality is "MR", "CT", "PT", "NM" (DICOM's names), "color",
        "grey" (a grey picture), or "" where it cannot be told. The reason completes the sentence
        "It is taken as such because ...".
    """
    modality = str(volume.meta.get("modality", ""))
    if modality in _DICOM_MODALITIES:
        return modality, f"its modality is recorded as {modality}"
    units = str(volume.meta.get("units", "")).upper()
    if units.startswith(_UPTAKE_UNITS):
        return "PT", f"its units are {units}"
    if volume.shape[0] == 3:
        return "color", "it is in colour"
    if is_picture(volume):
        return "grey", "it is a grey picture"
    return _guess_from_values(plain(volume))


def resolve_task(anatomical: MetaTensor, partner: MetaTensor, task: str) -> tuple[str, str]:
    """Decide the task, and refuse volumes in the wrong order.

    Args:
        anatomical: MR, or phase contrast; native values.
        partner: CT, PET, SPECT, second MR, or GFP; native values.
        task: "auto" or one of :data:`TASKS`.

    Returns:
        ``(task, reason)`` with the reason as a sentence for the user.

    Raises:
        InputError: unknown task; inputs that look swapped; with "auto", inputs that cannot be told.
    """
    return _resolve(_Guessed(anatomical), _Guessed(partner), task)


def _resolve(anatomical: _Guessed, partner: _Guessed, task: str) -> tuple[str, str]:
    if task != "auto" and task not in TASKS:
        raise InputError(f"Unknown task '{task}': choose auto, {', '.join(TASKS)}.")
    _refuse_swapped(anatomical, partner, task)
    if task != "auto":
        return task, f"The task {task} was given."
    modality, reason = partner.modality, partner.reason
    if modality in _TASK_OF_PARTNER:
        task = _TASK_OF_PARTNER[modality]
        return task, f"The partner is taken as {modality} because {reason}: {task}."
    if modality == "color":
        if is_picture(partner.volume) and _green_share(partner.volume) > _GREEN_SHARE:
            return "gfp-pc", "The partner is a picture in green only, like GFP: gfp-pc."
        return "pet-mri", "The partner is in colour: pet-mri (SPECT would be treated the same)."
    if modality == anatomical.modality == "MR":
        return "mr-mr", "The modality of both volumes is recorded as MR: mr-mr."
    raise InputError(
        f"Cannot tell the task: of the partner {partner.name} is known that {reason}, of the "
        f"anatomical {anatomical.name} that {anatomical.reason}; choose one with --task."
    )


class _Guessed:
    """A volume and what it was taken as, which is found out once."""

    def __init__(self, volume: MetaTensor) -> None:
        self.volume = volume
        self.modality, self.reason = guess_modality(volume)
        self.name = name_of(volume)


class ResolveTaskd(Transform):
    """Write ``task`` and ``task_reason``, and what was recognised into the volumes' ``modality``.

    What contradicts a given task is noted.

    Args:
        task: "auto" or one of :data:`TASKS`.
    """

    def __init__(self, task: str = "auto") -> None:
        self.task = task

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve the task of ``anatomical`` and ``partner``; see :func:`resolve_task`."""
        result = dict(data)
        anatomical, partner = _Guessed(data["anatomical"]), _Guessed(data["partner"])
        result["task"], result["task_reason"] = _resolve(anatomical, partner, self.task)
        if self.task != "auto":
            for sentence in _contradictions(anatomical, partner, self.task):
                note(result, sentence)
        result["anatomical"], result["partner"] = _tagged(anatomical), _tagged(partner)
        return result


def _guess_from_values(voxels: torch.Tensor) -> tuple[str, str]:
    """Recognise Hounsfield units by their range, their air and their soft tissue."""
    values = voxels.cpu().numpy()  # PyTorch would copy what does not lie in order
    low, high = float(values.min()), float(values.max())
    span = f"its values go from {low:g} to {high:g}"
    if low <= -200 and _looks_like_hounsfield(sample_voxels(voxels)):
        return "CT", f"{span} with the air and soft tissue of Hounsfield units"
    may_be_shifted = low >= 0 and high > _RESCALE_OFFSET
    if may_be_shifted and _looks_like_shifted_hounsfield(sample_voxels(voxels)):
        return "", f"{span}, like CT stored {_RESCALE_OFFSET} too high (rescale intercept missing)"
    if low < 0:
        return "", f"{span}, which are no Hounsfield units"
    return "", f"{span}, which fits MR, PET and SPECT alike"


def _looks_like_hounsfield(sample: torch.Tensor) -> bool:
    """Air and soft tissue, and hardly anything denser than bone.

    Phase images and field maps have negative values too, but no peak at the value of air.
    """
    air = (sample <= -800).float().mean()
    soft_tissue = ((sample > -200) & (sample <= 300)).float().mean()
    metal = (sample > 2500).float().mean()
    return bool(air >= 0.02 and soft_tissue >= 0.05 and metal <= 0.05)


def _looks_like_shifted_hounsfield(sample: torch.Tensor) -> bool:
    """Air near 0 and a narrow peak of soft tissue (-20 to 100 HU) once the offset is taken off."""
    shifted = sample - _RESCALE_OFFSET
    air = (shifted <= -800).float().mean()
    body = shifted[shifted > -800]
    if body.numel() == 0:
        return False
    soft_tissue = ((body > -20) & (body <= 100)).float().mean()
    return bool(air >= 0.05 and soft_tissue >= 0.25)


def _green_share(volume: MetaTensor) -> float:
    """Share of all colourfulness that is an excess of green over red and blue.

    Fluorescence pictures lie above 0.85, pseudo-colour PET and SPECT below 0.06.
    """
    red, green, blue = plain(volume)
    brightest = torch.maximum(torch.maximum(red, green), blue)
    darkest = torch.minimum(torch.minimum(red, green), blue)
    excess = (green - torch.maximum(red, blue)).clamp(min=0).sum()
    return float(excess / (brightest - darkest).sum().clamp(min=1e-9))


def _tagged(guessed: _Guessed) -> MetaTensor:
    """Keep what was recognised: a part of the volume on another grid may not show it again."""
    volume, modality = guessed.volume, guessed.modality
    if modality not in _DICOM_MODALITIES or modality == volume.meta.get("modality"):
        return volume
    tagged = with_voxels(volume, volume)
    tagged.meta["modality"] = modality
    return tagged


def _refuse_swapped(anatomical: _Guessed, partner: _Guessed, task: str) -> None:
    """Raise where the anatomical volume looks like a partner and the partner does not."""
    found = anatomical.modality
    if found not in ("CT", "PT", "NM", "color"):
        return
    other = partner.modality
    looks_like = f"the anatomical {anatomical.name} looks like {found} because {anatomical.reason}"
    open_partner = other in ("", "grey") and (task == "auto" or found in _PARTNER_OF_TASK[task])
    if other == "MR" or open_partner:
        raise InputError(
            f"The inputs look swapped: {looks_like}; name the MR or phase contrast first and its "
            f"partner second ({partner.name} came second)."
        )
    if found == "color":
        raise InputError(f"The anatomical image must be grey, but {looks_like}.")
    if task == "auto":
        raise InputError(
            f"The anatomical volume must be MR, but {looks_like}; choose --task to fuse it anyway."
        )


def _contradictions(anatomical: _Guessed, partner: _Guessed, task: str) -> list[str]:
    """Sentences about what does not fit the task that the user gave."""
    sentences = []
    if anatomical.modality in ("CT", "PT", "NM"):
        sentences.append(
            f"The task {task} expects MR as the anatomical volume, but "
            f"{noted(anatomical.volume)} looks like {anatomical.modality} because "
            f"{anatomical.reason}."
        )
    found, reason = partner.modality, partner.reason
    expected = _PARTNER_OF_TASK[task]
    if task == "ct-mri" and found == "" and not is_8_bit_picture(partner.volume):
        sentences.append(
            f"The partner {noted(partner.volume)} has no Hounsfield units ({reason}): the window "
            "'auto' is taken from its percentiles; give level,width in its own units to choose "
            "another."
        )
    elif found not in ("", "grey") and found not in expected:
        sentences.append(
            f"The task {task} does not expect the partner {noted(partner.volume)}, which is "
            f"taken as {found} because {reason}."
        )
    return sentences
