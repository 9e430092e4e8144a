"""From the planes of a stack to a rectangular grid; what is no such grid gets one by positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from monai.data.utils import orientation_ras_lps

from mactfusion.io.dicom.frame import EXACT
from mactfusion.io.dicom.holes import NoGridError, refuse_holes, refuse_rounded_holes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame

NEGLIGIBLE_MM = 0.1
"""Sideways: what no reader sees."""

UNEVEN_MM = 0.05
"""How far a slice may lie from its place on an even grid where positions have more decimals."""

_LARGEST_ROUNDING = 1e-3
"""Of a direction: fewer than three decimals cannot be told from a tilt."""

_COARSE = 0.2
"""Share of a step: positions that are rounded more may hide a missing slice."""

_JITTER = 1.5
"""Times the rounding: by how much gaps between rounded positions differ at most."""

_MOST_OF_A_ROUNDING = 0.99
_EXACT_MM = 1e-6
_MOST_SLICES = 4
_MOST_DEGREES = 45.0
"""No gantry tilts as far."""


@dataclass
class _Spacing:
    """Of slices that lie evenly.

    Attributes:
        step_mm: from slice to slice.
        first_mm: where the first one lies, along the normal from its written position.
        sentence: what is to be said about it.
    """

    step_mm: float
    first_mm: float = 0.0
    sentence: str = ""


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


def straightened_sentence(frames: Sequence[Frame]) -> str:
    """Say how far `axes_of` moves the last row, where written directions lean; "" where unseen."""
    along_row, along_column = np.mean([frame.orientation for frame in frames], axis=0).reshape(2, 3)
    cosine = along_row @ along_column / np.linalg.norm(along_row) / np.linalg.norm(along_column)
    moved_mm = abs(float(cosine)) * frames[0].spacing_mm[0] * (frames[0].image.rows - 1)
    if moved_mm <= NEGLIGIBLE_MM:
        return ""
    return (
        "its rows and columns are not quite perpendicular (ImageOrientationPatient); they were"
        f" straightened, which moved the last row by {moved_mm:.2g} mm"
    )


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
    extent_mm = float(places_mm[-1, 2])
    orientation_decimals = min(frame.decimals[0] or EXACT for frame in frames)
    written_mm = rounding_mm(frames)
    rounding = 0.0 if orientation_decimals == EXACT else 10.0**-orientation_decimals
    turned_mm = min(rounding, _LARGEST_ROUNDING) * extent_mm
    sideways_mm = float(np.linalg.norm(places_mm[:, :2], axis=1).max())
    crooked_mm = turned_mm + (1 if written_mm == 1 else 2) * written_mm
    is_straight = sideways_mm <= max(NEGLIGIBLE_MM, crooked_mm)
    spacing = _even_spacing(frames, places_mm[:, 2], axes[2], written_mm)
    if spacing is None:
        rounded_mm = written_mm * float(np.abs(axes[2]).sum())
        if rounded_mm > _COARSE * float(np.median(np.diff(places_mm[:, 2]))):
            refuse_rounded_holes(frames, places_mm[:, 2], rounded_mm)
        refuse_holes(frames, np.diff(places_mm[:, 2]))
        return _true_grid(frames, axes, places_mm, is_straight=is_straight, is_even=False)
    if not is_straight:
        return _true_grid(frames, axes, places_mm, is_straight=False, is_even=True)
    step_mm, first_mm = spacing.step_mm, positions_mm[0] + spacing.first_mm * axes[2]
    if turned_mm > 0 and sideways_mm > 0:
        axes = _turned_to(axes, positions_mm[-1] - positions_mm[0])
        step_mm *= float(np.linalg.norm(positions_mm[-1] - positions_mm[0])) / extent_mm
    affine = _affine(axes, (column_mm, row_mm, step_mm), first_mm)
    sentence = spacing.sentence
    if written_mm == 1 and sideways_mm > NEGLIGIBLE_MM and not sentence:
        sentence = f"its positions are rounded to {written(frames)}, and were taken to lie straight"
    return Grid(affine, (image.columns, image.rows, len(frames)), sentence=sentence)


def rounding_mm(frames: Sequence[Frame]) -> float:
    """Return how far apart two positions lie at least that are not written alike."""
    decimals = max(frame.decimals[1] for frame in frames)
    return 0.0 if decimals == EXACT else 10.0**-decimals


def _even_spacing(
    frames: Sequence[Frame], depths_mm: np.ndarray, normal: np.ndarray, rounding_mm: float
) -> _Spacing | None:
    """Return the spacing of slices that lie evenly, but for how their positions were rounded.

    Args:
        frames: in the order in which they lie.
        depths_mm: of each along the normal, from the first.
        normal: unit vector.
        rounding_mm: of the numbers of a position.

    Raises:
        NoGridError: the rounding could hide a missing slice.
    """
    places = np.arange(len(frames))
    extent_mm = float(depths_mm[-1])
    fitted_mm = extent_mm / (len(frames) - 1)
    off_mm = float(np.abs(depths_mm - fitted_mm * places).max())
    if off_mm <= min(UNEVEN_MM, _COARSE * fitted_mm):
        return _Spacing(fitted_mm)
    rounding_mm *= float(np.abs(normal).sum())
    if off_mm > rounding_mm + _EXACT_MM:
        return None
    for told_mm in dict.fromkeys((frames[0].apart_mm, frames[0].thickness_mm)):
        errors_mm = depths_mm - told_mm * places
        is_within = np.ptp(errors_mm) <= rounding_mm + _EXACT_MM
        if is_within and abs(errors_mm[-1]) < _MOST_OF_A_ROUNDING * rounding_mm < told_mm:
            sentence = ""
            if rounding_mm > _COARSE * told_mm:
                sentence = (
                    f"its positions are rounded to {written(frames)}; its slices were taken to be"
                    f" {told_mm:.4g} mm apart, as its header tells"
                )
            return _Spacing(told_mm, float(errors_mm.mean()), sentence)
    gaps_mm = np.diff(depths_mm)
    if np.ptp(gaps_mm) > _JITTER * rounding_mm:
        return None
    if rounding_mm <= _COARSE * fitted_mm:
        return _Spacing(fitted_mm)
    told_mm = frames[0].apart_mm or frames[0].thickness_mm
    if abs(told_mm - gaps_mm.min()) <= _EXACT_MM:  # no rounding widens the others
        return None
    raise NoGridError(
        f"its positions are rounded to {written(frames)}, and its slices are about"
        f" {fitted_mm:.3g} mm apart, so that a missing one would not show"
    )


def written(frames: Sequence[Frame]) -> str:
    """Say to what positions are rounded."""
    apart_mm = rounding_mm(frames)
    return "whole millimetres" if apart_mm == 1 else f"{apart_mm:g} mm"


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
        sentences.append(
            f"its slices are shifted sideways by up to {np.linalg.norm(room_mm):.1f} mm"
            f" ({_shift(places_mm, rounding_mm(frames))})"
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


def _shift(places_mm: np.ndarray, rounding_mm: float) -> str:
    """Say how slices are shifted sideways: evenly, as a tilted gantry does, or not."""
    shear = (places_mm[-1, :2] - places_mm[0, :2]) / places_mm[-1, 2]
    off_mm = places_mm[:, :2] - places_mm[0, :2] - places_mm[:, 2:] * shear
    degrees = float(np.degrees(np.arctan(np.linalg.norm(shear))))
    if np.linalg.norm(off_mm, axis=1).max() > NEGLIGIBLE_MM + 2 * rounding_mm:
        return "not evenly"
    return f"a gantry tilted by {degrees:.1f} degrees" if degrees < _MOST_DEGREES else "evenly"


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
