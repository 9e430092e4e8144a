"""Large arrays in VTK's own memory, so that a node takes them over without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import vtk
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

if TYPE_CHECKING:
    import slicer


def empty_voxels(shape: tuple, dtype: np.dtype) -> np.ndarray:
    """Return an array ``(K, J, I)`` or ``(K, J, I, components)`` whose memory is VTK's.

    Its values are anything.
    """
    scalars = vtk.vtkDataArray.CreateDataArray(get_vtk_array_type(np.dtype(dtype)))
    scalars.SetNumberOfComponents(shape[3] if len(shape) == 4 else 1)
    scalars.SetNumberOfTuples(int(np.prod(shape[:3])))
    return vtk_to_numpy(scalars).reshape(shape)


def image_of(voxels: np.ndarray) -> vtk.vtkImageData | None:
    """Return an image that has the memory of :func:`empty_voxels`; None of any other array.

    Args:
        voxels: ``(K, J, I)`` or ``(K, J, I, components)``, the whole array.
    """
    base = voxels
    while isinstance(base, np.ndarray):
        base = base.base
    scalars = getattr(base, "obj", base)  # there may be a view of its memory between
    is_whole = (
        isinstance(scalars, vtk.vtkDataArray)
        and scalars.GetNumberOfValues() == voxels.size
        and voxels.flags.c_contiguous
        and voxels.ndim in (3, 4)
        and scalars.GetNumberOfComponents() == (voxels.shape[3] if voxels.ndim == 4 else 1)
    )
    if not is_whole:
        return None
    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(voxels.shape[:3]))
    image.GetPointData().SetScalars(scalars)
    return image


def voxel_stamp(node: slicer.vtkMRMLVolumeNode) -> tuple:
    """Return a value that changes when the voxels of a node are edited.

    VTK counts all changes of all objects, so that no two states of a session share it.
    """
    image = node.GetImageData()
    if image is None:
        return 0, 0
    scalars = image.GetPointData().GetScalars()
    return image.GetMTime(), 0 if scalars is None else scalars.GetMTime()
