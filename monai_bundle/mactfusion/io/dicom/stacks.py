"""Which planes are one volume: neither one SeriesInstanceUID nor one file decides."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom

from mactfusion.io.dicom.geometry import along_normal, normal_of, sorted_along_normal
from mactfusion.io.dicom.parts import (
    KINDS,
    MOMENTS,
    PARTS,
    SAME_PLACE_MM,
    SETTINGS,
    by_place,
    parted,
)
from mactfusion.io.dicom.repeated import why_not_frames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mactfusion.io.dicom.frame import Frame, Image

_TIMES = ("frame reference time", "trigger time", "acquisition time", "acquisition")
"""What each image may have of its own, in the order of its frames."""

_SAME_DIRECTION = 2e-3
_MOST_SCOUTS = 3
_ALIKE = 1.1


@dataclass
class Stack:
    """Planes of one kind and size: a volume, or several frames of one.

    Attributes:
        moments: the planes of each frame; one list where the volume was taken once.
        label: what tells it from others of its series, such as "echo time 10".
        copies: planes that were left out because another one is the same.
        obstacle: why it is no volume; "" where it is one.
        scouts: images across the others, which were left out.
    """

    moments: list[list[Frame]]
    label: str = ""
    copies: int = 0
    obstacle: str = ""
    scouts: list[Image] = field(default_factory=list)


def stacks_of(images: Sequence[Image]) -> list[Stack]:
    """Put the planes of one series into stacks.

    Args:
        images: the files of the series that hold planes.
    """
    alike: dict[tuple[Any, ...], list[Frame]] = defaultdict(list)
    _number_objects(images)
    spaces = list(dict.fromkeys(image.frame_of_reference for image in images if image.frames))
    for image in images:
        for frame in image.frames:
            place = (image.patient_number, image.frame_of_reference)
            size = (image.sop_class, image.rows, image.columns, *place)
            spacing = tuple(round(mm, 4) for mm in frame.spacing_mm)
            alike[(*size, *spacing)].append(frame)
    groups = [group for frames in alike.values() for group in _by_direction(frames)]
    groups.sort(key=len, reverse=True)
    found = []
    for frames in groups:
        kept, copies = _without_copies(frames)
        space = spaces.index(frames[0].image.frame_of_reference) + 1
        parts = _split(kept, f"frame of reference {space}" if len(spaces) > 1 else "")
        for part in parts:
            part.copies = copies
        found += parts
    return _with_scouts(found)


def _number_objects(images: Sequence[Image]) -> None:
    """Files of many planes are volumes of their own, as far as their places overlap."""
    several = [image for image in images if len(image.frames) > 1]
    if len(several) > 1:
        for number, image in enumerate(several, 1):
            for frame in image.frames:
                frame.keys = {**frame.keys, "object": number}


def _with_scouts(stacks: list[Stack]) -> list[Stack]:
    """Leave out a few planes across a volume of many: a localizer that does not say so."""
    sizes = [sum(map(len, stack.moments)) for stack in stacks]
    if not stacks or max(sizes) <= 3 * _MOST_SCOUTS:
        return stacks
    main = stacks[sizes.index(max(sizes))]
    normal = normal_of(main.moments[0])
    kept = []
    for stack, size in zip(stacks, sizes, strict=True):
        across = abs(float(normal_of(stack.moments[0]) @ normal)) < 0.9
        if size <= _MOST_SCOUTS and across:
            main.scouts += [frame.image for moment in stack.moments for frame in moment]
        else:
            kept.append(stack)
    return kept


def _by_direction(frames: list[Frame]) -> list[list[Frame]]:
    groups: list[list[Frame]] = []
    for frame in frames:
        direction = np.array(frame.orientation)
        for group in groups:
            if np.abs(np.array(group[0].orientation) - direction).max() <= _SAME_DIRECTION:
                group.append(frame)
                break
        else:
            groups.append([frame])
    return groups


def _without_copies(frames: list[Frame]) -> tuple[list[Frame], int]:
    """Leave out planes that lie at the place of another one and have its pixels."""
    kept: list[Frame] = []
    for same in by_place(frames):
        digests: dict[Any, Frame] = {}
        files = {frame.image.path for frame in same}
        for frame in sorted(same, key=lambda frame: (str(frame.image.path), frame.number)):
            is_alone = len(same) == 1 or len(files) == 1
            digest = id(frame) if is_alone else (_told_by(frame), _digest(frame))
            digests.setdefault(digest, frame)
        kept += digests.values()
    return kept, len(frames) - len(kept)


def _told_by(frame: Frame) -> tuple[Any, ...]:
    """Return what tags say of a plane, which is the same of its copy in another file."""
    told = ((name, str(value)) for name, value in frame.keys.items() if name != "object")
    return tuple(sorted(told))


def _digest(frame: Frame) -> tuple[Any, ...]:
    path = frame.image.path
    digest = _digest_of_file(path, path.stat().st_mtime_ns)
    return digest, frame.number, frame.corner, frame.slope, frame.intercept


@lru_cache(maxsize=64)
def _digest_of_file(path: Path, modified_ns: int) -> str:  # noqa: ARG001  of this state of it
    pixels = pydicom.dcmread(path, force=True).get("PixelData", b"")
    return hashlib.sha256(bytes(pixels)).hexdigest()


def _split(frames: list[Frame], label: str = "") -> list[Stack]:
    places = by_place(frames)
    is_repeated = len(places) < len(frames)
    names = (*KINDS, *SETTINGS, "object", *PARTS, *(() if is_repeated else MOMENTS))
    for name in names:
        if _tells(name, frames, places, is_repeated):
            parts = parted(frames, name)
            labels = _said(name, [value for value, _ in parts])
            return [
                stack
                for (_, part), said in zip(parts, labels, strict=True)
                for stack in _split(part, ", ".join(filter(None, (label, said))))
            ]
    if not is_repeated:
        return [Stack([sorted_along_normal(frames)], label)]
    moments = _moments(frames, places, (*MOMENTS, "acquisition time")) or _by_rank(frames, places)
    if moments is not None:
        return [Stack(moments, label)]
    return [Stack([sorted_along_normal(frames)], label, obstacle=why_not_frames(frames, places))]


def _moments(
    frames: list[Frame], places: list[list[Frame]], names: Sequence[str]
) -> list[list[Frame]] | None:
    """Part planes into frames by a tag, or by several such as slots of R-R intervals."""
    differing = tuple(name for name in MOMENTS if len(parted(frames, name)) > 1)
    several = [differing] if len(differing) > 1 else []
    for chosen in (*((name,) for name in names), *several):
        moments = [part for _, part in parted(frames, *chosen)]
        if len(moments) > 1 and all(
            len(part) == len(by_place(part)) == len(places) for part in moments
        ):
            return [sorted_along_normal(part) for part in moments]
    return None


def _by_rank(frames: list[Frame], places: list[list[Frame]]) -> list[list[Frame]] | None:
    """Where each image has a time of its own: the first at every place, the second, and so on."""
    counts = {len(same) for same in places}
    for name in _TIMES:
        times = [frame.keys.get(name) for frame in frames]
        is_own = len(set(times)) == len(times) and all(isinstance(time, float) for time in times)
        if is_own and len(counts) == 1:
            ranked = [sorted(same, key=lambda frame: frame.keys[name]) for same in places]
            return [list(moment) for moment in zip(*ranked, strict=True)]
    return None


def _tells(name: str, frames: list[Frame], places: list[list[Frame]], is_repeated: bool) -> bool:
    """Whether a tag says that these are several volumes and not one."""
    parts = parted(frames, name)
    if len(parts) < 2:
        return False
    if is_repeated:
        differs = any(len({str(frame.keys.get(name)) for frame in same}) > 1 for same in places)
        if name == "acquisition" and differs:  # frames may each count as one
            return len(parts) < len(frames) and _moments(frames, places, MOMENTS) is None
        if differs:
            return True
    parts = [(value, part) for value, part in parts if value is not None]  # else it is not said
    if name in KINDS:
        return len(parts) > 1
    if len(parts) < 2 or 2 * len(parts) > len(frames):  # most planes have a value of their own
        return False
    if name in SETTINGS:
        return True
    return not is_repeated and _are_apart([part for _, part in parts], name in PARTS)


def _are_apart(parts: list[list[Frame]], may_be_in_turns: bool) -> bool:
    """Whether parts reach into each other, and are no slices of one volume acquired in turns."""
    frames = [frame for part in parts for frame in part]
    normal = normal_of(frames)
    depths = [np.sort(along_normal(part, normal)) for part in parts if len(part) > 1]
    every = np.sort(along_normal(frames, normal))
    ranges = sorted((float(part[0]), float(part[-1])) for part in depths)
    common = [
        (after[0], min(before[1], after[1]))
        for before, after in pairwise(ranges)
        if after[0] < before[1] - SAME_PLACE_MM
    ]
    if not common or not may_be_in_turns:
        return bool(common)
    if not _is_even(every) and all(map(_is_even, depths)):
        return True
    # Acquired in turns, they are as thick as they are apart together.
    within = [
        np.diff(every[(every >= first - SAME_PLACE_MM) & (every <= last + SAME_PLACE_MM)])
        for first, last in common
    ]
    thickness_mm = float(np.median([frame.thickness_mm for frame in frames]))
    apart_mm = float(np.median(np.concatenate(within)))
    apart_in_part_mm = float(np.median(np.concatenate([np.diff(part) for part in depths])))
    return abs(thickness_mm - apart_in_part_mm) < abs(thickness_mm - apart_mm)


def _is_even(depths: np.ndarray) -> bool:
    gaps = np.diff(depths)
    return float(gaps.max()) <= _ALIKE * float(gaps.min())


def _said(name: str, values: list[Any]) -> list[str]:
    """Name parts by the values in which they differ."""
    if name == "image type":
        words = [
            () if each is None else (each,) if isinstance(each, str) else each for each in values
        ]
        common = set.intersection(*map(set, words))
        own = [[word for word in each if word not in common] or each for each in words]
        return ["/".join(map(str, each)) or "no image type" for each in own]
    return [
        f"no {name}"
        if value is None
        else f"{name} {value:g}"
        if isinstance(value, float)
        else f"{name} {value}"
        for value in values
    ]
