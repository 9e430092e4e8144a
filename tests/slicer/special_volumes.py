"""Volumes that are rare in tests and common in hospitals: fixtures and what makes them.

Patients and studies as the DICOM browser leaves them in the subject hierarchy, volumes far from the
origin, tilted ones, names that look like markup or are in Japanese, and a frame of a sequence.
"""

from __future__ import annotations

import slicer
from MACTFusionLib.nodes.whose import hierarchy

MARKUP = "<b>x</b>&amp; 頭部 MR"
"""A name that is bold where somebody shows it as rich text."""


def put_in_study(patient, study, *nodes, patient_id=None):
    """Put volumes into a study of a patient, as the DICOM browser does; both are made once.

    Args:
        patient: name of the patient.
        study: text that tells the studies of a patient apart.
        nodes: volume nodes.
        patient_id: ID of the patient, by default one that comes from the name.
    """
    tree = hierarchy()
    patient_id = patient_id or f"ID-{patient}"
    of_patient = tree.GetItemByUID("DICOM", patient_id)
    if not of_patient:
        of_patient = tree.CreateSubjectItem(tree.GetSceneItemID(), patient)
        tree.SetItemUID(of_patient, "DICOM", patient_id)
        tree.SetItemAttribute(of_patient, "DICOM.PatientID", patient_id)
    study_uid = f"1.2.{patient_id}.{study}"
    of_study = tree.GetItemByUID("DICOM", study_uid)
    if not of_study:
        of_study = tree.CreateStudyItem(of_patient, study)
        tree.SetItemUID(of_study, "DICOM", study_uid)
    for node in nodes:
        own = tree.GetItemByDataNode(node)
        if own:
            tree.SetItemParent(own, of_study)
        else:
            tree.CreateItem(of_study, node)
    return of_study


def node_named(name):
    """Return the node of this very name; :func:`slicer.util.getNode` takes it for a pattern."""
    nodes = slicer.util.getNodesByClass("vtkMRMLVolumeNode")
    return next(node for node in nodes if node.GetName() == name)
