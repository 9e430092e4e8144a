"""From the planes of a stack to a rectangular grid; what is no such grid gets one by positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from monai.data.utils import orientation_ras_lps

from mactfusion.io.dicom.frame import EXACT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame

NEGLIGIBLE_MM = 0.1
"""Sideways: what no reader sees."""

UNEVEN_MM = 0.05
"""How far a slice may lie from its place on an even grid where positions have more decimals."""

_LARGEST_ROUNDING = 1e-3
"""Of a direction: fewer than three decimals cannot be told from a tilt."""

_ALIKE = 0.1
_HOLE = 1.5
_MOST_IN_A_HOLE = 2
_MOST_SLICES = 4


class NoGridError(Exception):
    """Slices are missing.

    Args:
        reason: a clause that names where.
    """


@dataclass
class Grid:
    """The grid of a stack.

    Attributes:
        affine: from index (column, row, slice) to RAS millimetres.
        shape: columns, rows, slices.
        places_mm: of each plane on the axes of the grid, ``(planes, 3)``, from its first voxel;
            None where the planes are the slices.
        sentence: what is to be said about it.
    """

    affine: np.ndarray
    shape: tuple[int, int, int]
    places_mm: np.ndarray | None = None
    sentence: str = ""


def axes_of(frames: Sequence[Frame]) -> np.ndarray:
    """Unit vectors along rows, along columns and along the normal, ``(3, 3)``, a row each; LPS."""
    along_row, along_column = np.mean([frame.orientation for frame in frames], axis=0).reshape(2, 3)
    along_row = along_row / np.linalg.norm(along_row)
    along_column = along_column - (along_column @ along_row) * along_row
    along_column /= np.linalg.norm(along_column)
    return np.stack([along_row, along_column, np.cross(along_row, along_column)])


def normal_of(frames: Sequence[Frame]) -> np.ndarray:
    """Unit vector along which slices lie, LPS."""
    return axes_of(frames[:1])[2]


def along_normal(frames: Sequence[Frame], normal: np.ndarray) -> np.ndarray:
    """Where planes lie along a vector, in millimetres."""
    return np.array([frame.position_mm for frame in frames], float) @ normal


def sorted_along_normal(frames: Sequence[Frame]) -> list[Frame]:
    """Return planes in the order in which they lie."""
    depths = along_normal(frames, normal_of(frames))
    return [frames[index] for index in np.argsort(depths, kind="stable")]


def grid_of(frames: Sequence[Frame]) -> Grid:
    """Find the grid of planes in the order in which they lie.

    Args:
        frames: of one size and direction, no two at one place.

    Raises:
        NoGridError: slices are missing.
    """
    positions_mm = np.array([frame.position_mm for frame in frames], float)
    axes = axes_of(frames)
    image = frames[0].image
    row_mm, column_mm = frames[0].spacing_mm
    if len(frames) == 1:
        step_mm = frames[0].thickness_mm if frames[0].thickness_mm > 0 else 1.0
        unknown = "" if frames[0].thickness_mm > 0 else "its one slice is taken as 1 mm thick"
        affine = _affine(axes, (column_mm, row_mm, step_mm), positions_mm[0])
        return Grid(affine, (image.columns, image.rows, 1), sentence=unknown)
    places_mm = (positions_mm - positions_mm[0]) @ axes.T
    extent_mm = places_mm[-1, 2]
    orientation_decimals = min(frame.decimals[0] for frame in frames)
    position_decimals = max(frame.decimals[1] for frame in frames)
    rounding_mm = 0.0 if position_decimals == EXACT else 10.0**-position_decimals
    rounding = 0.0 if orientation_decimals == EXACT else 10.0**-orientation_decimals
    turned_mm = min(rounding, _LARGEST_ROUNDING) * extent_mm
    sideways_mm = float(np.linalg.norm(places_mm[:, :2], axis=1).max())
    is_straight = sideways_mm <= max(NEGLIGIBLE_MM, turned_mm + 2 * rounding_mm)
    gaps_mm = np.diff(places_mm[:, 2])
    step_mm = float(extent_mm) / len(gaps_mm)
    even_mm = step_mm * np.arange(len(frames))
    is_even = np.abs(places_mm[:, 2] - even_mm).max() <= max(UNEVEN_MM, rounding_mm)
    if not is_even:
        _refuse_holes(frames, gaps_mm)
    if is_straight and is_even:
        if turned_mm > 0 and sideways_mm > 0:
            axes = _turned_to(axes, positions_mm[-1] - positions_mm[0])
            step_mm = float(np.linalg.norm(positions_mm[-1] - positions_mm[0])) / len(gaps_mm)
        affine = _affine(axes, (column_mm, row_mm, step_mm), positions_mm[0])
        return Grid(affine, (image.columns, image.rows, len(frames)))
    return _true_grid(frames, axes, places_mm, is_straight=is_straight, is_even=bool(is_even))


def _true_grid(
    frames: Sequence[Frame],
    axes: np.ndarray,
    places_mm: np.ndarray,
    *,
    is_straight: bool,
    is_even: bool,
) -> Grid:
    """Return a rectangular grid of even slices that holds all planes."""
    image, (row_mm, column_mm) = frames[0].image, frames[0].spacing_mm
    gaps_mm = np.diff(places_mm[:, 2])
    extent_mm = float(places_mm[-1, 2])
    if is_even:
        count = len(frames)
    else:
        # the closest slices decide, as far as that stays within reason
        count = min(round(extent_mm / float(gaps_mm.min())) + 1, _MOST_SLICES * len(frames))
    step_mm = extent_mm / (count - 1)
    if is_straight:
        places_mm = places_mm * [0.0, 0.0, 1.0]
    lowest_mm, highest_mm = places_mm[:, :2].min(axis=0), places_mm[:, :2].max(axis=0)
    room_mm = highest_mm - lowest_mm
    columns = image.columns + int(np.ceil(room_mm[0] / column_mm - 1e-3))
    rows = image.rows + int(np.ceil(room_mm[1] / row_mm - 1e-3))
    start_mm = np.array([*lowest_mm, 0.0])
    first_mm = np.array(frames[0].position_mm, float) + start_mm @ axes
    sentences = []
    if not is_straight:
        shear = places_mm[-1, :2] / extent_mm
        degrees = np.degrees(np.arctan(np.linalg.norm(shear)))
        sentences.append(
            f"its slices are shifted sideways by up to {np.linalg.norm(room_mm):.1f} mm"
            f" (a gantry tilted by {degrees:.1f} degrees)"
        )
    if not is_even:
        sentences.append(
            f"its slices are {gaps_mm.min():.4g} to {gaps_mm.max():.4g} mm apart; now they are"
            f" {step_mm:.4g} mm apart"
        )
    return Grid(
        _affine(axes, (column_mm, row_mm, step_mm), first_mm),
        (columns, rows, count),
        places_mm - start_mm,
        " and ".join(sentences) + "; it was resampled to a rectangular grid by their positions",
    )


def _refuse_holes(frames: Sequence[Frame], gaps_mm: np.ndarray) -> None:
    """Tell a hole from a change of the spacing: it is short, and thicker slices do not fill it."""
    runs: list[list[int]] = []
    for index in range(len(gaps_mm)):
        if runs and abs(gaps_mm[index] / gaps_mm[runs[-1][0]] - 1) <= _ALIKE:
            runs[-1].append(index)
        else:
            runs.append([index])
    missing, widest = [], 0.0
    for place, run in enumerate(runs):
        gap_mm = float(gaps_mm[run].mean())
        beside = [runs[other] for other in (place - 1, place + 1) if 0 <= other < len(runs)]
        usual_mm = min((float(gaps_mm[other].mean()) for other in beside), default=gap_mm)
        if len(run) > _MOST_IN_A_HOLE or gap_mm <= _HOLE * usual_mm:
            continue
        neighbours = [frames[other[0]].thickness_mm for other in beside]
        thickness_tells = all(abs(mm / usual_mm - 1) <= _ALIKE for mm in neighbours)
        for index in run:
            thickness_mm = min(frames[index].thickness_mm, frames[index + 1].thickness_mm)
            if not thickness_tells or abs(thickness_mm / gap_mm - 1) > _ALIKE:
                missing.append((index, max(round(gap_mm / usual_mm) - 1, 1), usual_mm))
                widest = max(widest, gap_mm)
    if not missing:
        return
    count = sum(number for _, number, _ in missing)
    where = ", ".join(f"after slice {index + 1}" for index, _, _ in missing[:5])
    raise NoGridError(
        f"{count} DICOM slice(s) missing, {where} of {len(frames)} (a gap of {widest:g} mm where"
        f" slices are {missing[0][2]:g} mm apart)"
    )


def _turned_to(axes: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Turn rounded axes so that their normal is a direction that is known better."""
    normal = direction / np.linalg.norm(direction)
    along_row = axes[0] - (axes[0] @ normal) * normal
    along_row /= np.linalg.norm(along_row)
    return np.stack([along_row, np.cross(normal, along_row), normal])


def _affine(
    axes: np.ndarray, spacing_mm: tuple[float, float, float], first_mm: np.ndarray
) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = axes.T * spacing_mm
    affine[:3, 3] = first_mm
    return orientation_ras_lps(affine)
