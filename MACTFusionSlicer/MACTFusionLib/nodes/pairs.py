"""The volumes of a scene that could be fused one after another: pairs, and one with several."""

from __future__ import annotations

import slicer

from .guess import anatomical_kind_among
from .obstacles import reason_not_to_run
from .patients import Patient, patients_of
from .result import ATTRIBUTE
from .volumes import MOST_PARTNERS
from .whose import study_of

_PARTNERS = ("CT", "PT", "NM", "color")


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
    """Return what fits together: each MR with each partner of its patient, and with all of them.

    Of a patient without an MR, each CT takes its place where there is uptake to lie on it. Where
    the study of the anatomical volume has partners of a kind, those of the patient's other studies
    are left out. Volumes of two recorded patients are never put together. Those whose patient is
    not recorded are put together among themselves: whoever shows the list says so, see
    :func:`MACTFusionLib.nodes.patients.doubt`.

    Returns:
        ``(anatomical, partner)`` each. The partner is a list where there are two or three; more
        are not fused into one image.
    """
    found: list = []
    for patient in patients_of(loaded_volumes()):
        kind = anatomical_kind_among(list(patient.by_kind))
        for anatomical in patient.by_kind.get(kind, []):
            partners = [
                partner
                for partner in _partners_of(anatomical, patient, kind)
                if not reason_not_to_run(anatomical, partner, None, "auto")
            ]
            found += [(anatomical, partner) for partner in partners]
            if 1 < len(partners) <= MOST_PARTNERS:
                found.append((anatomical, partners))
    return found


def _partners_of(anatomical: slicer.vtkMRMLVolumeNode, patient: Patient, kind: str) -> list:
    """Return a patient's possible partners in the order of the scene, as the list shows them."""
    study, partners = study_of(anatomical), []
    for other in _PARTNERS:
        nodes = [] if other == kind else patient.by_kind.get(other, [])
        partners += [node for node in nodes if study_of(node) == study] or nodes
    return [node for node in loaded_volumes() if node in partners]
