"""A fused volume as a file, where the views show it."""

from __future__ import annotations

from pathlib import Path

import slicer
import vtk
from slicer.i18n import tr as _

from .result import ATTRIBUTE
from .volumes import Geometry, VolumeError, fill, geometry_of, voxels_of

SUFFIXES = (".nrrd", ".nii.gz", ".nii")


def save_volume(node: slicer.vtkMRMLVolumeNode, path: str) -> None:
    """Write a volume as NRRD or NIfTI.

    Files know no parent transform. So a volume under one is written at its place in the world, by
    a copy; the node itself stays as it is.

    This is what ``slicer.util.exportNode(node, path, world=True)`` is for, and yet it is not used:
    it needs the application, which tests do without, says only in the log why a file could not be
    written, and keeps the format of its first call for those that follow, as it changes one of its
    default arguments.

    Args:
        node: scalar or vector volume node.
        path: file to write; its suffix chooses the format, and an existing file is replaced.

    Raises:
        VolumeError: another suffix, or the file cannot be written.
    """
    if not str(path).lower().endswith(SUFFIXES):
        raise VolumeError(_("The file must end in .nrrd, .nii.gz or .nii."))
    scene = slicer.mrmlScene
    geometry = geometry_of(node)
    in_world = Geometry(geometry.shape, geometry.affine, geometry.parent_to_world, "")
    copy = scene.AddNode(_hidden_like(node))
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    if str(path).lower().endswith(".nrrd"):
        storage = slicer.vtkMRMLNRRDStorageNode()
    try:
        fill(copy, voxels_of(node), in_world)
        scene.AddNode(storage)
        # a relative name would be taken from the folder of the scene that was opened last
        storage.SetFileName(str(Path(path).absolute()))
        storage.SetUseCompression(True)
        is_written = storage.WriteData(copy)
    finally:
        scene.RemoveNode(storage)
        scene.RemoveNode(copy)
    if not is_written or not Path(path).is_file():
        raise VolumeError(_("{path} cannot be written.").format(path=path))


def suggested_name(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return a file name that says what was fused; names of nodes may name a patient."""
    kind = node.GetAttribute(ATTRIBUTE + "Kind") or ""
    return f"fused-{kind}{SUFFIXES[0]}" if kind else f"fused{SUFFIXES[0]}"


def _hidden_like(node: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLVolumeNode:
    copy = slicer.mrmlScene.CreateNodeByClass(node.GetClassName())
    copy.UnRegister(None)
    copy.SetHideFromEditors(True)
    copy.SetSaveWithScene(False)
    copy.SetAndObserveImageData(vtk.vtkImageData())
    return copy
