"""The volumes of a scene that could be fused one after another: pairs, and one with several."""

from __future__ import annotations

import slicer

from .guess import anatomical_kind_among, kind_of
from .obstacles import reason_not_to_run
from .result import ATTRIBUTE
from .volumes import MOST_PARTNERS


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
    """Return what fits together: each MR with each partner of its study, and with all of them.

    In a study without an MR, each CT takes its place where there is uptake to lie on it.

    Returns:
        ``(anatomical, partner)`` each. The partner is a list where there are two or three; more
        are not fused into one image.
    """
    nodes = [(node, kind_of(node), _study_of(node)) for node in loaded_volumes()]
    found: list = []
    for anatomical, kind, study in nodes:
        own = [other for _node, other, other_study in nodes if other_study == study]
        if kind != anatomical_kind_among(own):
            continue
        partners = [
            partner
            for partner, other, other_study in nodes
            if other in ("CT", "PT", "NM", "color") and other_study == study
            if other != kind and not reason_not_to_run(anatomical, partner, None, "auto")
        ]
        found += [(anatomical, partner) for partner in partners]
        if 1 < len(partners) <= MOST_PARTNERS:
            found.append((anatomical, partners))
    return found


def _study_of(node: slicer.vtkMRMLVolumeNode) -> int:
    """Return the item that the node lies under in the subject hierarchy, 0 without one."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    return hierarchy.GetItemParent(item) if item else 0
