"""Which DICOM images a volume was loaded from, and whose the open database says they are."""

from __future__ import annotations

from typing import Any

import slicer

from .whose import hierarchy

INSTANCES = "DICOM.instanceUIDs"
"""Attribute that Slicer's DICOM plugins leave on volumes."""


def open_database() -> Any:
    """Return the DICOM database of the application, None where none is open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database if database is not None and database.isOpen else None


def instances_of(node: slicer.vtkMRMLVolumeNode) -> list:
    """Return the SOPInstanceUIDs of the images that a node came from, [] where nothing tells.

    Args:
        node: volume node, as Slicer's DICOM plugins loaded it.
    """
    told = (node.GetAttribute(INSTANCES) or "").split()
    if not told:
        name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMInstanceUIDName()
        told = uid_of(node, name).split()
    return [uid for uid in told if uid != "Unknown"]


def uid_of(node: slicer.vtkMRMLVolumeNode, name: str) -> str:
    """Return a UID that the subject hierarchy has for a node, or ""."""
    tree = hierarchy()
    item = 0 if tree is None else tree.GetItemByDataNode(node)
    return (tree.GetItemUID(item, name) or "") if item else ""


def patient_of_images(database: Any, instances: list) -> str:
    """Return the number under which a database has the patient of images, "" where it has none.

    The subject hierarchy goes by the patient's ID alone, and two patients may have one.

    Args:
        database: an open one, or None.
        instances: SOPInstanceUIDs.
    """
    file = database.fileForInstance(instances[0]) if database is not None and instances else ""
    series = database.seriesForFile(file) if file else ""
    study = database.studyForSeries(series) if series else ""
    return database.patientForStudy(study) if study else ""
