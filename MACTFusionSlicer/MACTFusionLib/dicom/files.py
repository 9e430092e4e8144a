"""Which DICOM images a volume node was loaded from, and where their files are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

INSTANCES = "DICOM.instanceUIDs"
"""Attribute that Slicer's DICOM plugins leave on volumes."""


def instances_of(node: slicer.vtkMRMLVolumeNode) -> list:
    """Return the SOPInstanceUIDs of the images that a node came from, [] where nothing tells.

    Args:
        node: volume node, as Slicer's DICOM plugins loaded it.
    """
    told = (node.GetAttribute(INSTANCES) or "").split()
    if not told:
        told = _of_hierarchy(node, _constants().GetDICOMInstanceUIDName()).split()
    return [uid for uid in told if uid != "Unknown"]


def series_of_node(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return the SeriesInstanceUID that the subject hierarchy has for a node, or ""."""
    return _of_hierarchy(node, _constants().GetDICOMUIDName())


def files_of(database: Any, instances: list) -> list:
    """Return the files of images.

    Args:
        database: an open one.
        instances: SOPInstanceUIDs.

    Returns:
        Their paths in the same order, each once; [] where the database lacks one of them.
    """
    found = []
    for uid in instances:
        file = database.fileForInstance(uid)
        if not file or not Path(file).is_file():
            return []
        found.append(str(Path(file).absolute()))
    return list(dict.fromkeys(found))


def tell_series(node: slicer.vtkMRMLVolumeNode, series: str, instances: list) -> None:
    """Let a node be that of a series, as if it had been loaded from it; "" and [] undo it."""
    if instances:
        node.SetAttribute(INSTANCES, " ".join(instances))
    else:
        node.RemoveAttribute(INSTANCES)
    hierarchy, item = _item_of(node)
    if item:
        hierarchy.SetItemUID(item, _constants().GetDICOMUIDName(), series)
        hierarchy.SetItemUID(item, _constants().GetDICOMInstanceUIDName(), " ".join(instances))


def _constants() -> Any:
    return slicer.vtkMRMLSubjectHierarchyConstants


def _item_of(node: slicer.vtkMRMLVolumeNode) -> tuple:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    return hierarchy, 0 if hierarchy is None else hierarchy.GetItemByDataNode(node)


def _of_hierarchy(node: slicer.vtkMRMLVolumeNode, name: str) -> str:
    hierarchy, item = _item_of(node)
    return (hierarchy.GetItemUID(item, name) or "") if item else ""
