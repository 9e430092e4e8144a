"""Planes that are no rectangular grid, on one: each is laid where its position says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mactfusion.io.dicom.geometry import Grid

_HALF = 0.5 - 1e-6


def on_grid(planes: np.ndarray, grid: Grid, spacing_mm: tuple[float, float]) -> np.ndarray:
    """Interpolate linearly, in a plane and between the two planes beside a slice.

    Args:
        planes: ``(planes, rows, columns)``, NaN where nothing was measured.
        grid: with ``places_mm`` of each plane.
        spacing_mm: distance of rows, of columns.

    Returns:
        ``(slices, rows, columns)`` of the grid, float32, NaN where no plane reaches.
    """
    if grid.places_mm is None:
        return planes
    places_mm, (columns, rows, slices) = grid.places_mm, grid.shape
    row_mm, column_mm = spacing_mm
    depths_mm = places_mm[:, 2]
    step_mm = float(depths_mm[-1]) / (slices - 1)
    result = np.full((slices, rows, columns), np.nan, np.float32)
    moved: dict[int, np.ndarray] = {}

    def plane(index: int) -> np.ndarray:
        if index not in moved:
            for gone in [other for other in moved if other < index - 1]:
                del moved[gone]
            along_row, along_column = places_mm[index, :2]
            shifted = _shifted(planes[index], along_column / row_mm, 0, rows)
            moved[index] = _shifted(shifted, along_row / column_mm, 1, columns)
        return moved[index]

    for place in range(slices):
        depth_mm = place * step_mm
        after = int(np.clip(np.searchsorted(depths_mm, depth_mm), 1, len(depths_mm) - 1))
        gap_mm = depths_mm[after] - depths_mm[after - 1]
        share = float(np.clip((depth_mm - depths_mm[after - 1]) / gap_mm, 0, 1))
        if abs(share - round(share)) < 1e-3:  # positions are rounded; a slice stays as it is
            result[place] = plane(after - 1 + round(share))
        else:
            result[place] = _mixed(plane(after - 1), plane(after), share)
    return result


def _shifted(plane: np.ndarray, offset: float, axis: int, size: int) -> np.ndarray:
    """Lay a plane ``offset`` pixels further on a longer axis, with linear interpolation."""
    whole = int(np.floor(offset + 1e-3))
    part = offset - whole
    shape = list(plane.shape)
    shape[axis] = size
    laid = np.full(shape, np.nan)
    stop = min(whole + plane.shape[axis], size)
    target = tuple(slice(whole, stop) if each == axis else slice(None) for each in (0, 1))
    source = tuple(slice(0, stop - whole) if each == axis else slice(None) for each in (0, 1))
    laid[target] = plane[source]
    if abs(part) < 1e-3:
        return laid
    further = np.roll(laid, 1, axis=axis)
    first = (slice(0, 1), slice(None)) if axis == 0 else (slice(None), slice(0, 1))
    further[first] = np.nan
    return _mixed(laid, further, part)


def _mixed(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Mix two planes; where one was not measured the other stands for it, if it is the nearer."""
    mixed = (1 - share) * first + share * second
    if share <= _HALF:
        return np.where(np.isnan(second), first, mixed)
    return np.where(np.isnan(first), second, mixed)
