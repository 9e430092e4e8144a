"""Parts that reach into each other: one volume taken in turns, or volumes that interleave."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.io.dicom.classic import HINTS, NUMBERS
from mactfusion.io.dicom.geometry import along_normal, normal_of
from mactfusion.io.dicom.parts import (
    KINDS,
    MOMENTS,
    PARTS,
    SAME_PLACE_MM,
    SETTINGS,
    WIDER,
    by_place,
    parted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame

_VARYING = ("kVp", "flip angle")
"""Settings that a scanner changes within one volume: for a thicker part, or to spare heat."""

_IN_TURNS = (*PARTS, *MOMENTS, *_VARYING)
"""What may differ from slice to slice of one volume."""

_MOST_VOLUMES = 4
_LEAST = 4
_ALIKE = 1.1

_Parts = list[tuple[Any, list["Frame"]]]


def volumes_by(name: str, frames: list[Frame]) -> _Parts:
    """Part planes into volumes by a tag, as far as their places say that they are several.

    Args:
        name: of the tag; no two planes at one place differ in it.
        frames: of one size and direction.

    Returns:
        Value and planes of each volume; one alone where they are one.
    """
    parts = [(value, part) for value, part in parted(frames, name) if value is not None]
    one: _Parts = [(None, frames)]
    if len(parts) < 2 or (name not in KINDS and 2 * len(parts) > len(frames)):
        return one  # most planes have a value of their own
    found: _Parts = []
    for group in _interlocking(parts):
        if len(group) > 1 and not _are_several([part for _, part in group], name in _IN_TURNS):
            value = max(group, key=lambda part: len(part[1]))[0]
            found.append((value, [frame for _, part in group for frame in part]))
        else:
            found += group
    is_firm = name in (*KINDS, *SETTINGS) and name not in _VARYING
    if len(found) < 2 or not (is_firm or _overlap(found)):
        return one
    _give_nearest([frame for frame in frames if frame.keys.get(name) is None], found)
    return found


def volumes_in_turns(frames: list[Frame]) -> tuple[str, list[list[Frame]]]:
    """Part planes that overlap by a third or more where any tag tells volumes apart.

    Args:
        frames: no two at one place.

    Returns:
        What tells them apart, and the planes of each; "" and all where nothing does.
    """
    if not overlap_much(frames):
        return "", [frames]
    ways = [(name, _by_hint(frames, name)) for name in HINTS]
    ways += [(f"blocks of {name}", _runs(frames, name)) for name in NUMBERS]
    for name, parts in ways:
        is_few = 2 <= len(parts) <= _MOST_VOLUMES and min(map(len, parts)) > 1
        labelled: _Parts = list(enumerate(parts))
        if is_few and len(_interlocking(labelled)) == 1 and _are_several(parts, True):
            return name, parts
    return "", [frames]


def overlap_much(frames: Sequence[Frame]) -> bool:
    """Whether slices are much thicker than they lie apart, and no distance is told."""
    depths = _depths(frames)
    if len(depths) < _LEAST:
        return False
    apart_mm = float(np.median(np.diff(depths)))
    return _told_mm(frames, (apart_mm,)) > WIDER * apart_mm


def _interlocking(parts: _Parts) -> list[_Parts]:
    """Gather parts of which one reaches into the range of another."""
    groups: list[tuple[float, float, _Parts]] = []
    normal = normal_of(parts[0][1])
    spans = [(along_normal(part, normal), (value, part)) for value, part in parts]
    for depths, part in sorted(spans, key=lambda span: float(span[0].min())):
        first, last = float(depths.min()), float(depths.max())
        if groups and first < groups[-1][1] - SAME_PLACE_MM:
            before = groups.pop()
            groups.append((before[0], max(last, before[1]), [*before[2], part]))
        else:
            groups.append((first, last, [part]))
    return [group for _, _, group in groups]


def _overlap(parts: _Parts) -> bool:
    return any(len(group) > 1 for group in _interlocking(parts))


def _are_several(parts: list[list[Frame]], may_be_in_turns: bool) -> bool:
    """Whether parts that reach into each other are volumes, and not one with its slices parted."""
    frames = [frame for part in parts for frame in part]
    every = _depths(frames)
    alone = [_depths(part) for part in parts]
    alone = [depths for depths in alone if len(depths) > 1]
    is_closed = False
    for depths in alone:
        filled, empty = _gaps(depths, every)
        if len(filled) and len(empty):
            if float(filled.min()) > WIDER * float(np.median(empty)):
                return False  # it has gaps, and others fill them
            is_closed = True  # others lie where it lacks nothing
    if is_closed or not may_be_in_turns or not alone:
        return True
    if not _is_even(every) and all(map(_is_even, alone)):
        return True
    # Acquired in turns, they are as thick as they are apart together.
    whole_mm = float(np.median(np.diff(every)))
    part_mm = float(np.median(np.concatenate([np.diff(depths) for depths in alone])))
    told_mm = _told_mm(frames, (whole_mm, part_mm))
    return abs(told_mm - part_mm) < abs(told_mm - whole_mm)


def _gaps(depths: np.ndarray, every: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaps of a part in which others lie, and those in which none does."""
    between = np.array([
        np.any((every > before + SAME_PLACE_MM) & (every < after - SAME_PLACE_MM))
        for before, after in pairwise(depths)
    ])  # fmt: skip
    gaps = np.diff(depths)
    return gaps[between], gaps[~between]


def _depths(frames: Sequence[Frame]) -> np.ndarray:
    """Where planes lie, each place once, in ascending order."""
    normal = normal_of(frames)
    return np.array([float(along_normal(same[:1], normal)[0]) for same in by_place(frames)])


def _told_mm(frames: Sequence[Frame], steps_mm: Sequence[float]) -> float:
    """The distance that headers tell of, as far as it is one of these; else the thickness."""
    told_mm = float(np.median([frame.apart_mm for frame in frames]))
    if any(told_mm > 0 and max(told_mm, mm) <= _ALIKE * min(told_mm, mm) for mm in steps_mm):
        return told_mm
    return float(np.median([frame.thickness_mm for frame in frames]))


def _is_even(depths: np.ndarray) -> bool:
    gaps = np.diff(depths)
    return float(gaps.max()) <= _ALIKE * float(gaps.min())


def _give_nearest(unsaid: list[Frame], found: _Parts) -> None:
    """Planes of which a tag says nothing belong to those beside them."""
    for frame in unsaid:
        normal = normal_of([frame])
        place = float(along_normal([frame], normal)[0])
        nearest = [float(np.abs(along_normal(part, normal) - place).min()) for _, part in found]
        found[int(np.argmin(nearest))][1].append(frame)


def _by_hint(frames: list[Frame], name: str) -> list[list[Frame]]:
    values = sorted({str(frame.hints.get(name)) for frame in frames})
    if len(values) > _MOST_VOLUMES:
        return [frames]
    return [[frame for frame in frames if str(frame.hints.get(name)) == each] for each in values]


def _runs(frames: list[Frame], name: str) -> list[list[Frame]]:
    """Part planes where, in the order of a number, they no longer go on in one direction."""
    numbers = [frame.hints.get(name) for frame in frames]
    if not all(isinstance(number, float) for number in numbers):
        return [frames]
    depths = along_normal(frames, normal_of(frames))
    order = sorted(range(len(frames)), key=lambda index: (numbers[index], depths[index]))
    runs = [[order[0]]]
    for index in order[1:]:
        run = runs[-1]
        goes_on = len(run) == 1 or (
            (depths[index] > depths[run[-1]]) == (depths[run[1]] > depths[run[0]])
        )
        if goes_on:
            run.append(index)
        else:
            runs.append([index])
    return [[frames[index] for index in run] for run in runs]
