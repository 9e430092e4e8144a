"""Squares of the anatomical volume and the fused one in turn, in a volume of their own."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..nodes.display import window_of
from ..nodes.volumes import Geometry, fill, geometry_of, voxels_of

_SQUARES = 8


def make_checkerboard(
    anatomical: slicer.vtkMRMLVolumeNode, fused: slicer.vtkMRMLVolumeNode
) -> slicer.vtkMRMLVectorVolumeNode:
    """Add a hidden volume that is not saved, on the grid of the fused one; its caller removes it.

    Args:
        anatomical: volume node.
        fused: volume node.
    """
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLVectorVolumeNode")
    node.UnRegister(None)
    node.SetName(_("Checkerboard"))
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetAttribute("Fused", fused.GetID())
    slicer.mrmlScene.AddNode(node)
    grid = geometry_of(fused)
    acquired = nearest(_as_rgb(anatomical), geometry_of(anatomical), grid)
    fill(node, checkered(acquired, _as_rgb(fused)), grid)
    node.CreateDefaultDisplayNodes()
    return node


def checkered(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mix two RGB volumes ``(I, J, K, 3)`` in squares, eight along the longest side."""
    side = max(1, -(-max(first.shape[:3]) // _SQUARES))
    odd = [np.arange(size) // side % 2 == 1 for size in first.shape[:3]]
    is_second = odd[0][:, None, None] ^ odd[1][:, None] ^ odd[2]
    return np.where(is_second[..., None], second, first)


def nearest(voxels: np.ndarray, geometry: Geometry, grid: Geometry) -> np.ndarray:
    """Repeat voxels ``(I, J, K, 3)`` on a grid; thick slices stay thick.

    Both lie where their parent transforms put them, and what is outside of the voxels is black.
    """
    image = vtk.vtkImageData()
    image.SetDimensions(*geometry.shape)
    samples = np.ascontiguousarray(voxels.transpose(2, 1, 0, 3)).reshape(-1, voxels.shape[3])
    image.GetPointData().SetScalars(numpy_to_vtk(samples))
    index_map = np.linalg.inv(geometry.affine) @ grid.affine
    reslice = vtk.vtkImageReslice()
    reslice.SetInputData(image)
    reslice.SetResliceAxes(slicer.util.vtkMatrixFromArray(index_map))
    reslice.SetOutputExtent(*(end for size in grid.shape for end in (0, size - 1)))
    reslice.SetOutputOrigin(0, 0, 0)
    reslice.SetOutputSpacing(1, 1, 1)
    reslice.SetInterpolationModeToNearestNeighbor()
    reslice.Update()
    found = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())
    return found.reshape(*reversed(grid.shape), -1).transpose(2, 1, 0, 3)


def _as_rgb(node: slicer.vtkMRMLVolumeNode) -> np.ndarray:
    """Return voxels as 8-bit RGB; grey through the window of the display."""
    voxels = voxels_of(node)
    if voxels.ndim == 4 and voxels.dtype == np.uint8:
        return voxels
    low, high = float(voxels.min()), float(voxels.max())
    level, width = window_of(node) or ((low + high) / 2, max(high - low, 1e-9))
    scaled = voxels.astype(np.float32)
    scaled -= level - width / 2
    scaled *= 255 / width
    grey = np.rint(np.clip(scaled, 0, 255, out=scaled)).astype(np.uint8)
    return grey if grey.ndim == 4 else np.repeat(grey[..., None], 3, axis=-1)
