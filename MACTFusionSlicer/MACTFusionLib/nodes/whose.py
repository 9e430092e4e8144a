"""Whose volume it is, and of which study, as DICOM or the subject hierarchy recorded it."""

from __future__ import annotations

from typing import Any

import slicer

_PATIENT, _STUDY = "Patient", "Study"
_UID = "DICOM"
_TAGS = {_PATIENT: "DICOM.PatientID", _STUDY: "DICOM.StudyInstanceUID"}


def patient_of(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return a text that volumes of one recorded patient share, "" where no patient is recorded.

    The patient-level item above the volume in the subject hierarchy counts, however many studies
    and folders lie between them; without one the patient's ID in the attributes of the volume.
    Volumes that came from files have neither.
    """
    return _recorded(node, _PATIENT)


def study_of(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return a text that volumes of one recorded study share, "" where no study is recorded."""
    return _recorded(node, _STUDY)


def patient_name_of(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return the patient's name as the module Data shows it, or the ID; "" where none is known."""
    tree = hierarchy()
    item = _above(tree, node, _PATIENT)
    if item:
        return tree.GetItemName(item)
    return (node.GetAttribute("DICOM.PatientName") or "") or _attribute(tree, node, _PATIENT)


def hierarchy() -> slicer.vtkMRMLSubjectHierarchyNode | None:
    """Return the subject hierarchy of the scene."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


def item_of(node: slicer.vtkMRMLVolumeNode) -> int:
    """Return the item of a volume in the subject hierarchy, 0 where it has none.

    A volume that shows a frame of a sequence may lie outside of every study; then the item of its
    sequence is returned where that lies in one.
    """
    tree = hierarchy()
    if tree is None:
        return 0
    own = tree.GetItemByDataNode(node)
    if own and tree.GetItemAncestorAtLevel(own, _PATIENT):
        return own
    for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
        sequence = browser.GetSequenceNode(node)
        item = 0 if sequence is None else tree.GetItemByDataNode(sequence)
        if item:
            return item
    return own


def _recorded(node: slicer.vtkMRMLVolumeNode, level: str) -> str:
    tree = hierarchy()
    item = _above(tree, node, level)
    if not item:
        return _attribute(tree, node, level)
    # Items of one patient may have come with two scenes; an item that the user made has no UID.
    return tree.GetItemUID(item, _UID) or tree.GetItemAttribute(item, _TAGS[level]) or f"#{item}"


def _above(tree: Any, node: slicer.vtkMRMLVolumeNode, level: str) -> int:
    item = item_of(node)
    return tree.GetItemAncestorAtLevel(item, level) if item else 0


def _attribute(tree: Any, node: slicer.vtkMRMLVolumeNode, level: str) -> str:
    item = item_of(node)
    of_item = tree.GetItemAttribute(item, _TAGS[level]) if item else ""
    return node.GetAttribute(_TAGS[level]) or of_item or ""
