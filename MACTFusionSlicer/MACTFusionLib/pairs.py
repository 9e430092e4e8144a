"""The pairs of volumes in a scene that could be fused one after another."""

from __future__ import annotations

import slicer

from .guess import kind_of
from .result import ATTRIBUTE
from .summary import reason_not_to_run


def loaded_volumes() -> list:
    """Return the volumes of the scene that may be sources: no label maps, nothing fused here."""
    return [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if not isinstance(node, slicer.vtkMRMLLabelMapVolumeNode)
        and not node.GetHideFromEditors()
        and node.GetAttribute(ATTRIBUTE + "Task") is None
    ]


def find_pairs() -> list:
    """Return ``(anatomical, partner)`` for each MR with each partner of its study that fits it."""
    nodes = [(node, kind_of(node), _study_of(node)) for node in loaded_volumes()]
    return [
        (anatomical, partner)
        for anatomical, kind, study in nodes
        if kind == "MR"
        for partner, other, other_study in nodes
        if other in ("CT", "PT", "NM", "color") and other_study == study
        if not reason_not_to_run(anatomical, partner, None, "auto")
    ]


def _study_of(node: slicer.vtkMRMLVolumeNode) -> int:
    """Return the item that the node lies under in the subject hierarchy, 0 without one."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    return hierarchy.GetItemParent(item) if item else 0
