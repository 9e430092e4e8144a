"""Slice views turned to the planes of a tilted volume, and turned back."""

from __future__ import annotations

import numpy as np
import slicer

from ..nodes.volumes import Geometry, geometry_of
from .planes import closest_view, fused_axis, index_at, leaves_slice, orientation_of
from .shown import centre_of, fit, shown_slices, turn

_SAME = 1e-6


class AlignedViews:
    """Turns the views that can be seen, and knows how they were before."""

    def __init__(self) -> None:
        self._turned: list = []  # of each view: its node, its directions before, and now

    @property
    def is_on(self) -> bool:
        """Whether a view is turned and still in the scene, so that it can be turned back."""
        return any(_is_as_turned(view, now) for view, _before, now in self._turned)

    def align(self, anatomical: slicer.vtkMRMLVolumeNode, axis: str = "auto") -> None:
        """Turn each view to the plane of the volume that is closest, about the slice it shows.

        One of them shows the plane in which slices are fused, also in a layout of a single view.
        A view that looks beside the volume is moved onto it.

        Args:
            anatomical: volume node.
            axis: direction of the slices, see :func:`MACTFusionLib.views.planes.fused_axis`.

        Raises:
            VolumeError: the volume has no plane: it has no voxels, or a transform bends it.
        """
        geometry = geometry_of(anatomical)
        along = fused_axis(geometry, axis)
        before = [(view, _directions(view)) for view in shown_slices()]
        for view, _former in before:
            view.RotateToVolumePlane(anatomical)
        closest = closest_view(geometry, along)
        if closest is not None and leaves_slice(geometry, along, closest):
            closest.SetOrientation(orientation_of(geometry, along))
            closest.RotateToVolumePlane(anatomical)
        known = {view.GetID(): former for view, former, _now in self._turned}
        self._turned = []
        for view, former in before:
            _move_to_slice(view, geometry)
            self._turned.append((view, known.get(view.GetID(), former), _directions(view)))

    def give_back(self) -> None:
        """Turn the views back, about the slice they show; a view that was turned since stays."""
        turned, self._turned = self._turned, []
        for view, before, now in turned:
            if _is_as_turned(view, now):
                turn(view, before)

    def forget(self) -> None:
        """Let go of the views of a scene that is closed."""
        self._turned = []


def _directions(view: slicer.vtkMRMLSliceNode) -> np.ndarray:
    return slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3].copy()


def _is_as_turned(view: slicer.vtkMRMLSliceNode, now: np.ndarray) -> bool:
    is_there = slicer.mrmlScene.IsNodePresent(view)
    return bool(is_there and np.allclose(_directions(view), now, atol=_SAME))


def _move_to_slice(view: slicer.vtkMRMLSliceNode, geometry: Geometry) -> None:
    """Move a view to the middle of the slice that is closest to it, inside of the volume."""
    looks_along = _directions(view)[:, 2]
    units = geometry.affine[:3, :3] / np.linalg.norm(geometry.affine[:3, :3], axis=0)
    axis = int(np.abs(looks_along @ units).argmax())
    index = index_at(geometry, axis, centre_of(view))
    place = (np.array(geometry.shape) - 1) / 2
    place[axis] = min(max(index, 0), geometry.shape[axis] - 1)
    centre = np.linalg.solve(geometry.affine, [*centre_of(view), 1.0])[:3]
    is_beside = np.any((centre < -0.5) | (centre > np.array(geometry.shape) - 0.5))
    if is_beside:
        fit(view)
    view.JumpSliceByOffsetting(*(geometry.affine @ [*place, 1.0])[:3])
