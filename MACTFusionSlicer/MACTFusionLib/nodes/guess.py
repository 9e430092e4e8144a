"""Who is who: which volume is the anatomical one, which its partner, and what task it is."""

from __future__ import annotations

import re

import numpy as np
import slicer

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


def modality_of(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return the modality that DICOM recorded (``MR``, ``CT``, ``PT``, …), or ""."""
    recorded = node.GetAttribute("DICOM.Modality") or ""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if not recorded and hierarchy is not None:
        item = hierarchy.GetItemByDataNode(node)
        recorded = hierarchy.GetItemAttribute(item, "DICOM.Modality") if item else ""
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

    The anatomical one is the first that is an MR; else a CT where there is a PET, SPECT or colour
    volume to lie on it; else the first that nothing tells about. The partner is the first PET,
    SPECT, CT or colour volume, else another MR.
    """
    kinds = [(node, kind_of(node)) for node in nodes]
    anatomical_kind = anatomical_kind_among([kind for _node, kind in kinds])
    anatomical = _first(kinds, (anatomical_kind,)) or _first(kinds, ("",))
    others = [(node, kind) for node, kind in kinds if node is not anatomical]
    partner = _first(others, ("PT", "NM", "CT", "color")) or _first(others, ("MR",))
    return anatomical, partner


def _first(kinds: list, wanted: tuple) -> slicer.vtkMRMLVolumeNode | None:
    return next((node for node, kind in kinds if kind in wanted), None)


def _kind_from_name(name: str) -> str:
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    found = [kind for kind, known in _WORDS if words & set(known)]
    return found[0] if len(found) == 1 else ""


def _has_hounsfield_units(node: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether there is air at -1000, soft tissue around 0, and hardly anything above bone."""
    voxels = slicer.util.arrayFromVolume(node).reshape(-1)
    sample = voxels[:: max(1, voxels.size // _SAMPLE)]
    air, metal = np.mean(sample <= -800), np.mean(sample > 2500)
    soft_tissue = np.mean((sample > -200) & (sample <= 300))
    return bool(air >= 0.02 and soft_tissue >= 0.05 and metal <= 0.05)
