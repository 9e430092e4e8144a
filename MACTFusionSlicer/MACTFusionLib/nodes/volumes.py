"""Volume nodes out to the worker, and fused voxels back into nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from .guess import modality_of, units_of
from .memory import image_of, voxel_stamp

MOST_PARTNERS = 3
"""At most so many volumes are fused with an anatomical one."""


class VolumeError(Exception):
    """A node that cannot be fused; the text says why and what to do."""


def partners_in(partner: object) -> list:
    """Return the partners of a choice: one volume node, a list of several, or None."""
    if partner is None:
        return []
    return list(partner) if isinstance(partner, (list, tuple)) else [partner]


@dataclass(frozen=True)
class Geometry:
    """Where the voxels of a node lie, taken down so that it outlives the node.

    Attributes:
        shape: voxels along I, J, K.
        ijk_to_ras: 4x4, without the parent transform.
        parent_to_world: 4x4 of the parent transform; the identity where there is none.
        transform_id: node ID of the parent transform, "" where there is none.
    """

    shape: tuple
    ijk_to_ras: np.ndarray
    parent_to_world: np.ndarray
    transform_id: str

    @property
    def affine(self) -> np.ndarray:
        """4x4 from voxel index to RAS+ millimetres in the world, as the views show it."""
        return self.parent_to_world @ self.ijk_to_ras


def geometry_of(node: slicer.vtkMRMLVolumeNode) -> Geometry:
    """Take down the geometry of a volume node.

    Raises:
        VolumeError: it has no voxels, or lies under a transform that is not linear.
    """
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise VolumeError(_("{name} has no voxels.").format(name=node.GetName()))
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    to_world = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.GetMatrixTransformToWorld(to_world):
        raise VolumeError(
            _(
                "{name} lies under a transform that is not linear: harden that transform on a copy "
                "of the volume (module Transforms), and fuse the copy."
            ).format(name=node.GetName())
        )
    return Geometry(
        tuple(image.GetDimensions()),
        slicer.util.arrayFromVTKMatrix(matrix),
        slicer.util.arrayFromVTKMatrix(to_world),
        "" if parent is None else parent.GetID(),
    )


def voxels_of(node: slicer.vtkMRMLVolumeNode) -> np.ndarray:
    """Return the voxels as the worker wants them: ``(I, J, K)`` or ``(I, J, K, 3)``.

    Raises:
        VolumeError: voxels with another number of components.
    """
    array = slicer.util.arrayFromVolume(node)
    if array.ndim == 4 and array.shape[-1] == 4:
        array = array[..., :3]  # opacity is no colour
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[-1] != 3):
        raise VolumeError(
            _("{name} has {count} values in each voxel: only grey and RGB are fused.").format(
                name=node.GetName(), count=array.shape[-1]
            )
        )
    order = (2, 1, 0) if array.ndim == 3 else (2, 1, 0, 3)
    return array.transpose(order)


def about(node: slicer.vtkMRMLVolumeNode) -> dict:
    """Return what the worker is told of a volume besides voxels; sentences use the name."""
    return {"modality": modality_of(node), "units": units_of(node), "name": node.GetName() or ""}


def stamp_of(node: slicer.vtkMRMLVolumeNode) -> tuple:
    """Return a value that changes when the volume is edited, moved or tagged."""
    return (
        node.GetID(),
        *voxel_stamp(node),
        geometry_of(node).affine.tobytes(),
        modality_of(node),
        units_of(node),
    )


def node_class_for(voxels: np.ndarray) -> str:
    """Return the class of node that holds such voxels."""
    return "vtkMRMLVectorVolumeNode" if voxels.ndim == 4 else "vtkMRMLScalarVolumeNode"


def fill(node: slicer.vtkMRMLVolumeNode, voxels: np.ndarray, geometry: Geometry) -> None:
    """Put voxels into a node, at the place of the volume whose geometry it is.

    Args:
        node: scalar or vector volume node, see :func:`node_class_for`.
        voxels: ``(I, J, K)`` or ``(I, J, K, 3)``.
        geometry: its matrix goes into the node, and the node under its parent transform.
    """
    was_modified = node.StartModify()
    try:
        order = (2, 1, 0) if voxels.ndim == 3 else (2, 1, 0, 3)
        turned = np.ascontiguousarray(voxels.transpose(order))
        image = image_of(turned)
        if image is None:
            slicer.util.updateVolumeFromArray(node, turned)
        else:  # a large result, whose copy would hold up the window
            node.SetAndObserveImageData(image)
            node.StorableModified()
        node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(geometry.ijk_to_ras))
        has_parent = slicer.mrmlScene.GetNodeByID(geometry.transform_id) is not None
        node.SetAndObserveTransformNodeID(geometry.transform_id if has_parent else None)
        if voxels.ndim == 4:
            node.SetVoxelVectorType(slicer.vtkMRMLVolumeNode.VoxelVectorTypeColorRGB)
    finally:
        node.EndModify(was_modified)


def slice_geometry(geometry: Geometry, axis: int, index: int) -> Geometry:
    """Return the geometry of one slice of a volume, a volume one voxel thick."""
    shift = np.eye(4)
    shift[axis, 3] = index
    shape = tuple(1 if i == axis else n for i, n in enumerate(geometry.shape))
    return Geometry(
        shape, geometry.ijk_to_ras @ shift, geometry.parent_to_world, geometry.transform_id
    )
