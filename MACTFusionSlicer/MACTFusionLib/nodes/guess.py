"""Who is who: which volume is the anatomical one, which its partner, and what task it is."""

from __future__ import annotations

import re

import numpy as np
import slicer

from .memory import voxel_stamp
from .whose import hierarchy, item_of, patient_of, study_of

_DICOM_MODALITIES = ("MR", "CT", "PT", "NM", "RTDOSE")
_ON_MR = {"CT": "ct-mri", "PT": "pet-mri", "NM": "spect-mri", "RTDOSE": "pet-mri"}
_ON_CT = {"PT": "pet-ct", "NM": "spect-ct", "RTDOSE": "pet-ct"}
_UPTAKE = ("PT", "NM", "color")
_WORDS = (
    ("NM", ("spect", "hmpao", "datscan", "tc99m")),
    ("PT", ("pet", "suv", "fdg", "petac", "petct")),
    ("MR", ("mr", "mri", "t1", "t2", "flair", "mprage", "t1w", "t2w", "pd", "swi", "dwi")),
    ("CT", ("ct", "cbct", "cta")),
)
_SAMPLE = 200_000
_MOST_TOLD = 1000
_TOLD: dict = {}


def modality_of(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return the modality that DICOM recorded (``MR``, ``CT``, ``PT``, …), or ""."""
    recorded = node.GetAttribute("DICOM.Modality") or ""
    if not recorded:
        item = item_of(node)
        recorded = hierarchy().GetItemAttribute(item, "DICOM.Modality") if item else ""
    return recorded if recorded in _DICOM_MODALITIES else ""


def units_of(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return the units in DICOM's words where the importer kept them, or ""."""
    code = node.GetVoxelValueUnits()
    value = (code.GetCodeValue() or "") if code is not None else ""
    return {"{SUVbw}g/ml": "SUV", "Bq/ml": "BQML"}.get(value, "")


def kind_of(node: slicer.vtkMRMLVolumeNode) -> str:
    """Say what a volume seems to be.

    A DICOM tag is believed first, then units, colour, Hounsfield units, and words of the name.

    Returns:
        ``MR``, ``CT``, ``PT``, ``NM``, ``RTDOSE``, ``color``, or "" where nothing tells.
    """
    if modality_of(node):
        return modality_of(node)
    if units_of(node):
        return "PT"
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        return ""
    if image.GetNumberOfScalarComponents() >= 3:
        return "color"
    named = _kind_from_name(node.GetName() or "")
    return named or ("CT" if _has_hounsfield_units(node) else "")


def task_of(anatomical: slicer.vtkMRMLVolumeNode, partner: slicer.vtkMRMLVolumeNode) -> str:
    """Return the task where names say it that the library does not see, else ``auto``.

    The library decides by tags, units and values; so only their absence counts here.
    """
    if any(modality_of(node) or units_of(node) for node in (partner,)):
        return "auto"
    kind = kind_of(partner)
    if kind == "MR" and kind_of(anatomical) == "MR":
        return "mr-mr"
    return (_ON_CT if kind_of(anatomical) == "CT" else _ON_MR).get(kind, "auto")


def can_tell_task(anatomical: slicer.vtkMRMLVolumeNode, partner: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether the task ``auto`` has a chance with two volumes."""
    kinds = kind_of(anatomical), kind_of(partner)
    if kinds[0] == "CT":
        return kinds[1] in (*_ON_CT, "color")
    return kinds[1] in (*_ON_MR, "color") or kinds == ("MR", "MR")


def anatomical_kind_among(kinds: list) -> str:
    """Return which kind of volume others lie on: ``CT`` where it has uptake beside it and no MR.

    Args:
        kinds: of the volumes of one patient, see :func:`kind_of`; without such a CT it is ``MR``.
    """
    is_ct_first = "CT" in kinds and "MR" not in kinds
    return "CT" if is_ct_first and any(kind in _UPTAKE for kind in kinds) else "MR"


def guess_pair(nodes: list) -> tuple:
    """Choose the anatomical volume and its partner among nodes; None where there is none.

    Never are two recorded patients put together. A patient with a whole pair is taken first, then
    volumes whose patient is not recorded; those may also belong to the only patient there is.

    Of one patient the anatomical volume is the first that is an MR; else a CT where there is a PET,
    SPECT or colour volume to lie on it; else the first that nothing tells about. The partner is the
    first PET, SPECT, CT or colour volume, else another MR; of the same study where there is one.
    """
    groups: dict = {}
    for node in nodes:
        groups.setdefault(patient_of(node), []).append(node)
    known = [own for patient, own in groups.items() if patient]
    wanted = [*known, groups.get("", [])]
    if len(known) < 2:
        wanted.append(nodes)
    pairs = [_pair_of_one(own) for own in wanted]
    half = next((pair for pair in pairs if any(pair)), (None, None))
    return next((pair for pair in pairs if all(pair)), half)


def _pair_of_one(nodes: list) -> tuple:
    kinds = [(node, kind_of(node)) for node in nodes]
    anatomical_kind = anatomical_kind_among([kind for _node, kind in kinds])
    anatomical = _first(kinds, (anatomical_kind,)) or _first(kinds, ("",))
    others = [(node, kind) for node, kind in kinds if node is not anatomical]
    if anatomical is not None:
        study = study_of(anatomical)
        others.sort(key=lambda each: study_of(each[0]) != study)  # the order stays otherwise
    partner = _first(others, ("PT", "NM", "CT", "color")) or _first(others, ("MR",))
    return anatomical, partner


def _first(kinds: list, wanted: tuple) -> slicer.vtkMRMLVolumeNode | None:
    return next((node for node, kind in kinds if kind in wanted), None)


def _kind_from_name(name: str) -> str:
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    found = [kind for kind, known in _WORDS if words & set(known)]
    return found[0] if len(found) == 1 else ""


def _has_hounsfield_units(node: slicer.vtkMRMLVolumeNode) -> bool:
    """Tell it once for voxels that are the same: the panel asks at each movement of a slice."""
    stamp = voxel_stamp(node)
    if stamp not in _TOLD:
        if len(_TOLD) >= _MOST_TOLD:
            _TOLD.clear()
        _TOLD[stamp] = _looks_like_hounsfield_units(node)
    return _TOLD[stamp]


def _looks_like_hounsfield_units(node: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether there is air at -1000, soft tissue around 0, and hardly anything above bone."""
    voxels = slicer.util.arrayFromVolume(node).reshape(-1)
    sample = voxels[:: max(1, voxels.size // _SAMPLE)]
    air, metal = np.mean(sample <= -800), np.mean(sample > 2500)
    soft_tissue = np.mean((sample > -200) & (sample <= 300))
    return bool(air >= 0.02 and soft_tissue >= 0.05 and metal <= 0.05)
