"""Which fusion task two volumes make: decided from tags, values, colour and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.errors import InputError, note
from mactfusion.option_values import TASKS
from mactfusion.transforms.hounsfield import HU, judge_hounsfield
from mactfusion.transforms.volume import (
    is_8_bit_picture,
    is_picture,
    name_of,
    noted,
    plain,
    with_voxels,
)
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

_DICOM_MODALITIES = ("MR", "CT", "PT", "NM", "RTDOSE")
_ON_MR = {"CT": "ct-mri", "PT": "pet-mri", "NM": "spect-mri", "RTDOSE": "pet-mri"}
_ON_CT = {"PT": "pet-ct", "NM": "spect-ct", "RTDOSE": "pet-ct"}
"""What a partner of a modality makes on an anatomical volume. A dose is shown as uptake is."""
_PARTNER_OF_TASK = {
    "ct-mri": ("CT",),
    "pet-mri": ("PT", "RTDOSE", "color"),
    "spect-mri": ("NM", "color"),
    "pet-ct": ("PT", "RTDOSE", "color"),
    "spect-ct": ("NM", "color"),
    "mr-mr": ("MR",),
    "gfp-pc": ("color",),
}
_TASKS_ON_CT = ("pet-ct", "spect-ct")
_UPTAKE_UNITS = ("BQML", "SUV", "GML")
_DOSE_UNITS = "GY"
_GREEN_SHARE = 0.6


def guess_modality(volume: MetaTensor) -> tuple[str, str]:
    """Guess what kind of image a volume holds.

    A DICOM tag is believed first, then units, colour, and the histogram of Hounsfield units.
    Non-negative scalar values without tag fit MR, PET and SPECT alike and are left open.

    Args:
        volume: ``(C, I, J, K)``, native values.

    Returns:
        ``(modality, reason)``. The modality is "MR", "CT", "PT", "NM", "RTDOSE" (DICOM's names),
        "color", "grey" (a grey picture), or "" where it cannot be told. The reason completes the
        sentence "It is taken as such because ...".
    """
    modality = str(volume.meta.get("modality", ""))
    if modality in _DICOM_MODALITIES:
        return modality, f"its modality is recorded as {modality}"
    units = str(volume.meta.get("units", "")).upper()
    if units.startswith(_UPTAKE_UNITS):
        return "PT", f"its units are {units}"
    if units == _DOSE_UNITS:
        return "RTDOSE", "its units are Gy, those of a dose"
    if volume.shape[0] == 3:
        return "color", "it is in colour"
    if is_picture(volume):
        return "grey", "it is a grey picture"
    is_hounsfield, reason = judge_hounsfield(volume)
    return ("CT" if is_hounsfield else ""), reason


def recognised(volume: MetaTensor) -> MetaTensor:
    """Write what was recognised into ``modality`` and ``units`` of a volume's meta.

    From then on the units are "HU" where, and only where, the values are Hounsfield units: a part
    of the volume on another grid, or in another scale, may not show it again.

    Args:
        volume: ``(C, I, J, K)``, native values.

    Returns:
        The volume itself where nothing is to be written.
    """
    modality, _ = guess_modality(volume)
    recorded, units = str(volume.meta.get("modality", "")), str(volume.meta.get("units", ""))
    known = modality if modality in _DICOM_MODALITIES else recorded
    if modality in ("CT", "") and units.upper() in ("", HU):
        units = HU if judge_hounsfield(volume)[0] else ""
    if (known, units) == (recorded, str(volume.meta.get("units", ""))):
        return volume
    tagged = with_voxels(volume, volume)
    tagged.meta |= {"modality": known, "units": units}
    return tagged


def resolve_task(anatomical: MetaTensor, partner: MetaTensor, task: str) -> tuple[str, str]:
    """Decide the task, and refuse volumes in the wrong order.

    Args:
        anatomical: MR, CT of a PET/CT or SPECT/CT, or phase contrast; native values.
        partner: CT, PET, SPECT, dose, second MR, or GFP; native values.
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
    is_on_ct = anatomical.modality == "CT"
    tasks = _ON_CT if is_on_ct else _ON_MR
    if modality in tasks:
        task = tasks[modality]
        place = f" on a CT ({anatomical.reason})" if is_on_ct else ""
        shown = ", shown in colour as uptake is" if modality == "RTDOSE" else ""
        return task, f"The partner is taken as {modality}{place} because {reason}: {task}{shown}."
    if modality == "color":
        if is_picture(partner.volume) and _green_share(partner.volume) > _GREEN_SHARE:
            return "gfp-pc", "The partner is a picture in green only, like GFP: gfp-pc."
        task = tasks["PT"]
        return task, f"The partner is in colour: {task} (SPECT would be treated the same)."
    if modality == anatomical.modality == "MR":
        return "mr-mr", "The modality of both volumes is recorded as MR: mr-mr."
    known = (
        f"of the partner {partner.name} is known that {reason}, of the anatomical "
        f"{anatomical.name} that {anatomical.reason}"
    )
    if modality == "CT":
        raise InputError(f"There is no task for two CT: {known}; name the MR first, or a PET.")
    if is_on_ct:
        raise InputError(
            f"Cannot tell the task: {known}; choose {option('task')} pet-ct or spect-ct, or, if "
            "the partner is an MR, name it first."
        )
    raise InputError(f"Cannot tell the task: {known}; choose one with {option('task')}.")


class _Guessed:
    """A volume and what it was taken as, which is found out once."""

    def __init__(self, volume: MetaTensor) -> None:
        self.volume = volume
        self.modality, self.reason = guess_modality(volume)
        self.name = name_of(volume)


class ResolveTaskd(Transform):
    """Write ``task`` and ``task_reason``, and what was recognised into the volumes' meta.

    What contradicts a given task is noted, and so is a CT without Hounsfield units.

    Args:
        task: "auto" or one of :data:`TASKS`.
    """

    def __init__(self, task: str = "auto") -> None:
        self.task = task

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve the task of ``anatomical`` and ``partner``; see :func:`resolve_task`."""
        result = dict(data)
        anatomical, partner = _Guessed(data["anatomical"]), _Guessed(data["partner"])
        task, result["task_reason"] = _resolve(anatomical, partner, self.task)
        result["task"] = task
        sentences = _contradictions(anatomical, partner, task) if self.task != "auto" else []
        expected = {"anatomical": task in _TASKS_ON_CT, "partner": task == "ct-mri"}
        for role, given in (("anatomical", anatomical), ("partner", partner)):
            result[role] = recognised(given.volume)
            sentences += _doubts(result[role], given, role, expected[role])
        for sentence in sentences:
            if f"{sentence}\n" not in result.get("notes", ""):  # said with another partner
                note(result, sentence)
        return result


def _green_share(volume: MetaTensor) -> float:
    """Share of all colourfulness that is an excess of green over red and blue.

    Fluorescence pictures lie above 0.85, pseudo-colour PET and SPECT below 0.06.
    """
    red, green, blue = plain(volume)
    brightest = torch.maximum(torch.maximum(red, green), blue)
    darkest = torch.minimum(torch.minimum(red, green), blue)
    excess = (green - torch.maximum(red, blue)).clamp(min=0).sum()
    return float(excess / (brightest - darkest).sum().clamp(min=1e-9))


def _refuse_swapped(anatomical: _Guessed, partner: _Guessed, task: str) -> None:
    """Raise where the anatomical volume looks like a partner and the partner does not."""
    found, other = anatomical.modality, partner.modality
    is_uptake = found in ("PT", "NM", "RTDOSE")
    if found != "CT" and found != "color" and not is_uptake:
        return
    looks_like = f"the anatomical {anatomical.name} looks like {found} because {anatomical.reason}"
    is_open = other in ("", "grey") and (
        found != "CT" if task == "auto" else found in _PARTNER_OF_TASK[task]
    )
    is_ct_second = other == "CT" and is_uptake
    if other == "MR" or is_open or is_ct_second:
        first = "CT" if is_ct_second or task in _TASKS_ON_CT else "MR, CT or phase contrast"
        first = "MR" if other == "MR" else first
        raise InputError(
            f"The inputs look swapped: {looks_like}; name the {first} first and its partner second "
            f"({partner.name} came second)."
        )
    if found == "color":
        raise InputError(f"The anatomical image must be grey, but {looks_like}.")
    if task == "auto" and is_uptake:
        raise InputError(
            f"The anatomical volume must be MR or CT, but {looks_like}; choose {option('task')} "
            "to fuse it anyway."
        )


def _contradictions(anatomical: _Guessed, partner: _Guessed, task: str) -> list[str]:
    """Sentences about what does not fit the task that the user gave."""
    sentences = []
    expected = "CT" if task in _TASKS_ON_CT else "MR"
    others = ("MR", "PT", "NM", "RTDOSE") if expected == "CT" else ("CT", "PT", "NM", "RTDOSE")
    if anatomical.modality in others:
        sentences.append(
            f"The task {task} expects {expected} as the anatomical volume, but "
            f"{noted(anatomical.volume)} looks like {anatomical.modality} because "
            f"{anatomical.reason}."
        )
    found = partner.modality
    if found not in ("", "grey", *_PARTNER_OF_TASK[task]):
        sentences.append(
            f"The task {task} does not expect the partner {noted(partner.volume)}, which is "
            f"taken as {found} because {partner.reason}."
        )
    return sentences


def _doubts(volume: MetaTensor, given: _Guessed, role: str, must_be_ct: bool) -> list[str]:
    """Say that a CT has no Hounsfield units; nothing where it has, or is none.

    Args:
        volume: what :func:`recognised` made of it.
        given: the volume before.
        role: "anatomical" or "partner".
        must_be_ct: the task takes it as a CT, whatever it looks like.
    """
    is_ct = given.modality == "CT" or (must_be_ct and given.modality in ("", "grey"))
    if not is_ct or volume.meta.get("units") == HU or is_8_bit_picture(volume):
        return []
    _, reason = judge_hounsfield(given.volume)
    return [
        f"The {role} {noted(volume)} has no Hounsfield units ({reason}): the window 'auto' is "
        "taken from its percentiles, and presets do not fit; give level,width in its own units to "
        "choose another."
    ]
