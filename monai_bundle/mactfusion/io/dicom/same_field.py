"""Whether a volume lies in the field of view of a series: whoever moved it must not name it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.io.dicom.geometry import NEGLIGIBLE_MM, grid_of
from mactfusion.io.dicom.listing import list_series

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mactfusion.io.dicom.geometry import Grid


def why_elsewhere(
    affine: NDArray[np.float64],
    shape: Sequence[int],
    files: Sequence[Path],
    series: str = "anatomical",
) -> str:
    """Say why a volume is not where a series is; "" where it is.

    Its grid may be another one, as long as it fills the same field of view: axes may be permuted
    and run backwards, and the number of voxels may differ.

    Args:
        affine: 4x4 from index to RAS+ millimetres.
        shape: voxels along I, J and K.
        files: the series; those of one volume, or more.
        series: how the sentence calls it.

    Returns:
        An end of a sentence, which begins with what the volume is called.
    """
    listing = list_series(files)
    grids = [grid_of(frames) for one in listing.volumes for frames in one.moments]
    if not grids:
        return f"cannot be put beside its {series} series, whose place in space is not known"
    off_mm = min(_off_mm(affine, shape, grid) for grid in grids)
    if off_mm <= NEGLIGIBLE_MM:
        return ""
    return (
        f"does not lie where the images of its {series} series lie ({off_mm:.3g} mm apart), so "
        "that it has no place in their frame of reference"
    )


def _off_mm(affine: NDArray[np.float64], shape: Sequence[int], grid: Grid) -> float:
    """Tell how far the edges of two fields of view are apart, beyond what cubes need.

    Cubic voxels that do not divide a field of view stand out by less than half of one at each end.
    """
    middle, half = _box(affine, shape)
    other_middle, other_half = _box(grid.affine, grid.shape)
    finest_mm = 2 * float((np.linalg.norm(half, axis=0) / shape).min())
    off = [float(np.linalg.norm(middle - other_middle))]
    lengths = np.linalg.norm(half, axis=0), np.linalg.norm(other_half, axis=0)
    cosines = (half / lengths[0]).T @ (other_half / lengths[1])
    if sorted(np.abs(cosines).argmax(axis=1)) != [0, 1, 2]:
        return float(lengths[0].max())
    for axis, other in enumerate(np.abs(cosines).argmax(axis=1)):
        along = half[:, axis] / lengths[0][axis] * np.sign(cosines[axis, other])
        turned = along - other_half[:, other] / lengths[1][other]
        off.append(float(np.linalg.norm(turned) * lengths[0][axis]))
        longer_mm = abs(float(lengths[0][axis] - lengths[1][other]))
        is_same_grid = shape[axis] == grid.shape[other]
        off.append(longer_mm if is_same_grid else max(0.0, longer_mm - finest_mm / 2))
    return max(off)


def _box(
    affine: NDArray[np.float64], shape: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of a field of view, and half of its edges as columns."""
    count = np.array(shape, np.float64)
    middle = affine[:3, :3] @ ((count - 1) / 2) + affine[:3, 3]
    return middle, affine[:3, :3] * count / 2
