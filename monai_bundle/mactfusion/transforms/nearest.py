"""The voxel that a point lies in, through affines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

_DIGITS = 6
"""Of an index: rounding must not decide between two voxels of which a point touches both."""


def nearest_voxel(
    affine: ArrayLike, shape: Sequence[int], point_mm: ArrayLike
) -> tuple[int, int, int] | None:
    """Return the voxel that a point lies in; None outside the volume.

    Args:
        affine: ``(4, 4)`` from index to RAS+ millimetres.
        shape: ``(I, J, K)``.
        point_mm: RAS+. On the border of two voxels it lies in the one of the higher index.
    """
    index = np.linalg.solve(np.asarray(affine, np.float64), [*np.asarray(point_mm, float), 1.0])[:3]
    voxel = np.floor(index.round(_DIGITS) + 0.5)
    if (voxel < 0).any() or (voxel >= np.asarray(shape)).any():
        return None
    first, second, third = voxel.astype(int).tolist()
    return first, second, third


def centre_of(affine: ArrayLike, voxel: Sequence[int]) -> np.ndarray:
    """Return the centre of a voxel, ``(3,)`` RAS+ millimetres."""
    return (np.asarray(affine, np.float64) @ [*voxel, 1.0])[:3]
