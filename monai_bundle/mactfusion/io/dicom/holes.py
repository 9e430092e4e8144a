"""Missing slices, told from slices that change their distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame

_ALIKE = 0.1
_HOLE = 1.5
_MOST_IN_A_HOLE = 2
_MOST_NAMED = 5
_EXACT_MM = 1e-6


class NoGridError(Exception):
    """Slices are missing, or may be; its text is a clause that names where."""


class _Hole(NamedTuple):
    """Slices that lie wider apart than those beside them.

    Attributes:
        after: index of the slice before.
        missing: how many are.
        gap_mm: how wide it is.
        usual_mm: how far apart slices lie beside it.
    """

    after: int
    missing: int
    gap_mm: float
    usual_mm: float


def refuse_holes(frames: Sequence[Frame], gaps_mm: np.ndarray) -> None:
    """Tell holes from a change of the spacing.

    A short wide stretch is a hole where thicker slices do not fill it. A long one is as many holes
    where its slices are a whole number of steps apart, and not thicker for it.

    Args:
        frames: in the order in which they lie.
        gaps_mm: between them.

    Raises:
        NoGridError: there are holes.
    """
    runs = _runs(gaps_mm)
    holes: list[_Hole] = []
    for place, run in enumerate(runs):
        gap_mm = float(gaps_mm[run].mean())
        beside = [runs[other] for other in (place - 1, place + 1) if 0 <= other < len(runs)]
        usual_mm = min((float(gaps_mm[other].mean()) for other in beside), default=gap_mm)
        if gap_mm <= _HOLE * usual_mm:
            continue
        if len(run) > _MOST_IN_A_HOLE:
            empty = run if _lacks_slices(frames, run, beside, gap_mm / usual_mm) else []
        else:
            widths = gap_mm, usual_mm
            empty = [index for index in run if not _is_filled(frames, index, beside, widths)]
        holes += [
            _Hole(index, max(round(gap_mm / usual_mm) - 1, 1), gap_mm, usual_mm) for index in empty
        ]
    if not holes:
        return
    raise _error(holes, len(frames))


def refuse_rounded_holes(
    frames: Sequence[Frame], depths_mm: np.ndarray, rounding_mm: float
) -> None:
    """Find missing slices where rounded positions widen other gaps, too.

    Args:
        frames: in the order in which they lie.
        depths_mm: of each along the normal.
        rounding_mm: how far apart rounded positions lie at least.

    Raises:
        NoGridError: with some slices added they lie as evenly as the header says.
    """
    places = np.arange(len(frames))
    room_mm = rounding_mm + _EXACT_MM
    for told_mm in dict.fromkeys((frames[0].apart_mm, frames[0].thickness_mm)):
        is_of_all = all(told_mm in (frame.apart_mm, frame.thickness_mm) for frame in frames)
        if told_mm < rounding_mm or not is_of_all:
            continue
        steps = places.copy()
        holes: list[_Hole] = []
        while np.ptp(depths_mm - told_mm * steps) > room_mm and len(holes) < _MOST_NAMED:
            # the slice after which one more step makes the longest stretch even
            reach = [
                _even_as_far(depths_mm - told_mm * (steps + (places > after)), room_mm)
                for after in places[:-1]
            ]
            gaps_mm = np.diff(depths_mm)
            after = max(range(len(reach)), key=lambda each: (reach[each], gaps_mm[each]))
            if reach[after] <= _even_as_far(depths_mm - told_mm * steps, room_mm):
                break
            steps = steps + (places > after)
            gap_mm = float(depths_mm[after + 1] - depths_mm[after])
            holes.append(_Hole(after, 1, gap_mm, told_mm))
        if holes and np.ptp(depths_mm - told_mm * steps) <= room_mm:
            raise _error(holes, len(frames))


def _even_as_far(errors_mm: np.ndarray, room_mm: float) -> int:
    """How many slices from the first on lie evenly, but for their rounding."""
    widths = np.maximum.accumulate(errors_mm) - np.minimum.accumulate(errors_mm)
    return int((widths <= room_mm).sum())


def _error(holes: Sequence[_Hole], slices: int) -> NoGridError:
    count = sum(hole.missing for hole in holes)
    where = ", ".join(f"after slice {hole.after + 1}" for hole in holes[:_MOST_NAMED])
    more = f" and {len(holes) - _MOST_NAMED} more" if len(holes) > _MOST_NAMED else ""
    return NoGridError(
        f"{count} DICOM slice(s) missing, {where}{more} of {slices} (a gap of"
        f" {max(hole.gap_mm for hole in holes):g} mm where slices are {holes[0].usual_mm:g} mm"
        " apart)"
    )


def _runs(gaps_mm: np.ndarray) -> list[list[int]]:
    """Gather gaps that follow each other and are alike."""
    runs: list[list[int]] = []
    for index, gap_mm in enumerate(gaps_mm):
        if runs and abs(gap_mm / gaps_mm[runs[-1][0]] - 1) <= _ALIKE:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _is_filled(
    frames: Sequence[Frame],
    index: int,
    beside: Sequence[Sequence[int]],
    widths_mm: tuple[float, float],
) -> bool:
    """Whether slices are as thick as the gap is wide, and thin where they are close."""
    gap_mm, usual_mm = widths_mm
    neighbours = [frames[other[0]].thickness_mm for other in beside]
    if not all(abs(mm / usual_mm - 1) <= _ALIKE for mm in neighbours):
        return False
    thickness_mm = min(frames[index].thickness_mm, frames[index + 1].thickness_mm)
    return abs(thickness_mm / gap_mm - 1) <= _ALIKE


def _lacks_slices(
    frames: Sequence[Frame], run: Sequence[int], beside: Sequence[Sequence[int]], ratio: float
) -> bool:
    """Whether slices lie a whole number of steps apart without being thicker than others."""
    if abs(ratio / round(ratio) - 1) > _ALIKE:
        return False
    here_mm = float(np.median([frames[index].thickness_mm for index in run[1:]]))
    others = [frames[index].thickness_mm for other in beside for index in other]
    thin_mm = float(np.median(others))
    return thin_mm <= 0 or here_mm / thin_mm < (1 + ratio) / 2
