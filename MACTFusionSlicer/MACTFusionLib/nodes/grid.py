"""The grid of a result, as the library will choose it, and how much of a grid a volume covers."""

from __future__ import annotations

import numpy as np
from slicer.i18n import tr as _

from .volumes import Geometry

ANATOMICAL = "anatomical"
"""What the library's option ``grid`` is by default."""

_MOST_VOXELS = 2**29
_SAMPLES_PER_AXIS = 24
_ROUNDING = 1e-3  # in voxels, and as a share of a spacing; spacings are rounded in files


def result_geometry(geometry: Geometry, grid: str) -> Geometry:
    """Return the geometry of the result.

    Args:
        geometry: of the anatomical volume.
        grid: ``anatomical``, or ``isotropic``: cubes of the finest spacing in the world, in the
            same field of view. A parent transform stays the same.
    """
    if grid == ANATOMICAL:
        return geometry
    spacing_mm = np.linalg.norm(geometry.affine[:3, :3], axis=0)
    share = spacing_mm.min() / spacing_mm
    share[share > 1 - _ROUNDING] = 1.0
    shape = np.array(geometry.shape)
    counts = np.ceil(shape / share - _ROUNDING)
    step = np.diag([*share, 1.0])
    step[:3, 3] = (shape - counts * share + share - 1) / 2
    moved = (1 - share) * (shape - 1) / 2  # of the outermost voxels
    if np.array_equal(counts, shape) and np.all(moved < _ROUNDING):
        return geometry
    new_shape = tuple(int(count) for count in counts)
    return Geometry(
        new_shape, geometry.ijk_to_ras @ step, geometry.parent_to_world, geometry.transform_id
    )


def covered_share(grid: Geometry, other: Geometry) -> float:
    """Estimate the share, 0 to 1, of a grid that lies within another volume, from sample points."""
    counts = [min(n, _SAMPLES_PER_AXIS) for n in grid.shape]
    axes = [(np.arange(m) + 0.5) * n / m - 0.5 for n, m in zip(grid.shape, counts)]  # noqa: B905  Python 3.9
    points = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(3, -1)
    to_other = np.linalg.inv(other.affine) @ grid.affine
    index = to_other[:3, :3] @ points + to_other[:3, 3:]
    upper = np.array(other.shape)[:, None] - 0.5
    return float(np.all((index >= -0.5) & (index <= upper), axis=0).mean())


def reason_against(geometry: Geometry, grid: str, name: str) -> str:
    """Say why a volume cannot be put on a grid, "" where it can.

    Args:
        geometry: of the anatomical volume.
        grid: see :func:`result_geometry`.
        name: of the volume.
    """
    wanted = result_geometry(geometry, grid)
    if wanted is geometry or np.prod(wanted.shape, dtype=float) <= _MOST_VOXELS:
        return ""
    return _(
        "In cubic voxels {name} would be too large ({size}): choose its own grid under Advanced."
    ).format(name=name, size=size_of(wanted))


def size_of(geometry: Geometry) -> str:
    """Return the voxels along each axis as people write them."""
    return "×".join(str(n) for n in geometry.shape)
