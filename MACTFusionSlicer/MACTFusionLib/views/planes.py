"""Which slice of a volume a slice view shows, in the direction in which slices are fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from ..nodes.volumes import Geometry

_WORLD_AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}
_CLEARLY_THICKER = 1.1
_PARALLEL = 0.999


class NoPlane(Exception):
    """No view shows a slice that could be fused; the text says what to do."""


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


def slice_shown(geometry: Geometry, axis: int, view: str = "") -> tuple:
    """Find the view that looks along an axis, and the slice that it shows.

    Args:
        geometry: of the volume.
        axis: of its voxels.
        view: layout name of the view to take, "" for the best one.

    Returns:
        ``(slice node, index)``.

    Raises:
        NoPlane: no view is parallel to the slices, or it lies outside of the volume.
    """
    direction = geometry.affine[:3, axis] / np.linalg.norm(geometry.affine[:3, axis])
    # Slices lie in the plane of the two other axes; with shear that is not across the third.
    others = [geometry.affine[:3, other] for other in range(3) if other != axis]
    normal = np.cross(*others) / np.linalg.norm(np.cross(*others))
    best, best_share = None, 0.0
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        matrix = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
        looks_along = matrix[:3, 2] / np.linalg.norm(matrix[:3, 2])
        share = abs(float(looks_along @ normal))
        if view in ("", node.GetLayoutName()) and share > best_share:
            best, best_share = node, share
    if best is None or best_share < _PARALLEL:
        raise NoPlane(
            _(
                "No slice view lies in the plane of the volume's slices: choose another axis, or "
                "press Compare, which turns the views."
            )
        )
    centre = slicer.util.arrayFromVTKMatrix(best.GetSliceToRAS())[:, 3]
    along = float((centre[:3] - geometry.affine[:3, 3]) @ normal)
    index = round(along / float(geometry.affine[:3, axis] @ normal))
    if not 0 <= index < geometry.shape[axis] or not np.isfinite(direction).all():
        raise NoPlane(_("The view shows no slice of the anatomical volume."))
    return best, index


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
