"""A partner put in place by a transform node: its voxels and its own geometry stay as they are."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _


def put_in_place(
    partner: slicer.vtkMRMLVolumeNode, anatomical: slicer.vtkMRMLVolumeNode, pose: np.ndarray
) -> slicer.vtkMRMLLinearTransformNode:
    """Put a new linear transform over a partner, so that it lies where the anatomical volume is.

    It goes over the partner's own transforms, as high as nothing else lies under them: at the top,
    where removing it leaves everything as it was, or under the first transform that another node
    shares, which must not move.

    Args:
        partner: volume node.
        anatomical: volume node, for the name.
        pose: 4x4 in the world, RAS+ millimetres, from a point of the anatomical volume to the point
            of the partner, as it lies now, that shows the same.

    Returns:
        The new node.
    """
    shared = _transforms_of_others(partner)
    top, parent = partner, partner.GetParentTransformNode()
    while parent is not None and parent not in shared:
        top, parent = parent, parent.GetParentTransformNode()
    to_world = _to_world(parent)
    name = _("{partner} to {anatomical}").format(
        partner=partner.GetName(), anatomical=anatomical.GetName()
    )
    node = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLLinearTransformNode", slicer.mrmlScene.GenerateUniqueName(name)
    )
    matrix = np.linalg.inv(to_world) @ np.linalg.inv(pose) @ to_world
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(None if parent is None else parent.GetID())
    top.SetAndObserveTransformNodeID(node.GetID())
    return node


def _transforms_of_others(partner: slicer.vtkMRMLVolumeNode) -> list:
    """Return the transforms that another node than the partner and its transforms lies under."""
    own = [partner, *_transforms_over(partner)]
    others = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLTransformableNode")
        if not any(node is each for each in own)
    ]
    return [transform for node in others for transform in _transforms_over(node)]


def _transforms_over(node: slicer.vtkMRMLTransformableNode) -> list:
    found, parent = [], node.GetParentTransformNode()
    while parent is not None:
        found.append(parent)
        parent = parent.GetParentTransformNode()
    return found


def _to_world(transform: slicer.vtkMRMLTransformNode | None) -> np.ndarray:
    """Return the matrix of a linear transform to the world; the identity without one."""
    matrix = vtk.vtkMatrix4x4()
    if transform is not None:
        transform.GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)
