"""Where the files of DICOM images are, and a node that becomes that of a series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from ..nodes.from_dicom import INSTANCES
from ..nodes.whose import hierarchy


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
    tree = hierarchy()
    item = 0 if tree is None else tree.GetItemByDataNode(node)
    if item:
        names = slicer.vtkMRMLSubjectHierarchyConstants
        tree.SetItemUID(item, names.GetDICOMUIDName(), series)
        tree.SetItemUID(item, names.GetDICOMInstanceUIDName(), " ".join(instances))
