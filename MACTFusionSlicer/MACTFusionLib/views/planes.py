"""Which slice of a volume a slice view shows, in the direction in which slices are fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
from slicer.i18n import tr as _

from .shown import centre_of, shown_slices

if TYPE_CHECKING:
    from ..nodes.volumes import Geometry

_WORLD_AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}
_CLEARLY_THICKER = 1.1
_WITHIN = 0.1
"""Thicknesses of a slice by which a view may leave it at its corners: directions are rounded in
files. Views are set to the middle of slices, so that the plane stays within one slice."""


class NoPlane(Exception):
    """No view shows a slice that could be fused; the text says what to do.

    Args:
        sentence: for the user.
        is_tilted: whether turning a view would help.
    """

    def __init__(self, sentence: str, is_tilted: bool = False) -> None:
        super().__init__(sentence)
        self.is_tilted = is_tilted


def fused_axis(geometry: Geometry, axis: str) -> int:
    """Return the axis of the voxels along which slices are cut, as the library chooses it.

    Args:
        geometry: of the anatomical volume.
        axis: ``auto``, ``axial``, ``coronal`` or ``sagittal``.
    """
    worlds = _closest_world_axes(geometry.affine)
    if 1 in geometry.shape and (axis == "auto"):
        return geometry.shape.index(1)
    if axis != "auto":
        return worlds.index(_WORLD_AXIS[axis])
    spacing = np.linalg.norm(geometry.affine[:3, :3], axis=0)
    thinner, thickest = np.sort(spacing)[1:]
    if thickest > _CLEARLY_THICKER * thinner:
        return int(spacing.argmax())
    return worlds.index(_WORLD_AXIS["axial"])


def orientation_of(geometry: Geometry, axis: int) -> str:
    """Return what Slicer calls the plane of slices: ``Axial``, ``Coronal`` or ``Sagittal``.

    Args:
        geometry: of the volume.
        axis: of its voxels, along which slices are cut.
    """
    world = _closest_world_axes(geometry.affine)[axis]
    return next(name for name, number in _WORLD_AXIS.items() if number == world).capitalize()


def slice_shown(geometry: Geometry, axis: int, view: str = "") -> tuple:
    """Find the view that looks along an axis, and the slice that it shows.

    Args:
        geometry: of the volume.
        axis: of its voxels.
        view: layout name of the view to take, "" for the best one.

    Returns:
        ``(slice node, index)``.

    Raises:
        NoPlane: no view that can be seen stays within one slice, or it lies outside of the volume.
    """
    best = closest_view(geometry, axis, view)
    if best is None or leaves_slice(geometry, axis, best):
        raise NoPlane(
            _(
                "No slice view lies in the plane of the volume's slices: press Align views or "
                "Compare, which turn the views, or choose another axis."
            ),
            is_tilted=True,
        )
    index = index_at(geometry, axis, centre_of(best))
    if not 0 <= index < geometry.shape[axis]:
        raise NoPlane(_("The view shows no slice of the anatomical volume."))
    return best, index


def closest_view(geometry: Geometry, axis: int, view: str = "") -> slicer.vtkMRMLSliceNode | None:
    """Return the view that can be seen and looks along an axis best; None where there is none."""
    normal, best, best_share = _normal(geometry, axis), None, -1.0
    for node in shown_slices():
        share = abs(float(_looks_along(node) @ normal))
        if view in ("", node.GetLayoutName()) and share > best_share:
            best, best_share = node, share
    return best


def index_at(geometry: Geometry, axis: int, point: np.ndarray) -> int:
    """Return the slice along an axis that is closest to a point, RAS millimetres.

    It may be outside of the volume.
    """
    normal = _normal(geometry, axis)
    along = float((point - geometry.affine[:3, 3]) @ normal)
    return round(along / float(geometry.affine[:3, axis] @ normal))


def leaves_slice(geometry: Geometry, axis: int, view: slicer.vtkMRMLSliceNode) -> bool:
    """Whether a view is so tilted that it shows parts of other slices at the corners of one."""
    looks_along, axes = _looks_along(view), geometry.affine[:3, :3]
    across = [axes[:, i] * (geometry.shape[i] - 1) / 2 for i in range(3) if i != axis]
    thickness_mm = abs(float(axes[:, axis] @ looks_along))
    return sum(abs(float(half @ looks_along)) for half in across) > _WITHIN * thickness_mm


def _normal(geometry: Geometry, axis: int) -> np.ndarray:
    """Return what is across the slices; with shear that is not the axis itself."""
    others = [geometry.affine[:3, other] for other in range(3) if other != axis]
    normal = np.cross(*others)
    return normal / np.linalg.norm(normal)


def _looks_along(view: slicer.vtkMRMLSliceNode) -> np.ndarray:
    direction = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, 2]
    return direction / np.linalg.norm(direction)


def _closest_world_axes(affine: np.ndarray) -> list:
    """Return, for each axis of the voxels, the world axis that it is closest to, each once."""
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    left, _sizes, right = np.linalg.svd(affine[:3, :3] / zooms)
    rotation = left @ right
    worlds = []
    for column in range(3):
        world = int(np.abs(rotation[:, column]).argmax())
        worlds.append(world)
        rotation[world, :] = 0
    return worlds
