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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mactfusion.io.dicom.frame import Frame, Image

DIFFERENT_IMAGES = ("image type", "component", "echo time", "echo", "b-value", "kernel",
                    "energy window", "detector", "object")  # fmt: skip
"""Planes that differ in one of these show something else: they are several volumes."""

MOMENTS = ("temporal position", "temporal index", "time slot", "R-R interval",
           "frame reference time", "trigger time", "direction")  # fmt: skip
"""Planes at one place that differ in one of these show it several times: they are frames."""

_TIMES = ("frame reference time", "trigger time", "acquisition time")
"""What each image may have of its own, in the order of its frames."""

PARTS = ("acquisition", "stack")
"""Planes that differ in one of these may be parts of one volume, or volumes of their own."""

_SAME_PLACE_MM = 1e-2
_SAME_DIRECTION = 2e-3
_MOST_SCOUTS = 3


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
    for image in images:
        for frame in image.frames:
            place = (image.patient, image.frame_of_reference)
            size = (image.sop_class, image.rows, image.columns, *place)
            spacing = tuple(round(mm, 4) for mm in frame.spacing_mm)
            alike[(*size, *spacing)].append(frame)
    groups = [group for frames in alike.values() for group in _by_direction(frames)]
    groups.sort(key=len, reverse=True)
    found = []
    for frames in groups:
        kept, copies = _without_copies(frames)
        parts = _split(kept)
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
    for same in _by_place(frames):
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


def _by_place(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Gather planes that lie at one place, in the order of their places."""
    depths = along_normal(frames, normal_of(frames))
    places: list[list[Frame]] = []
    last = None
    for index in np.argsort(depths, kind="stable"):
        if last is None or depths[index] - last > _SAME_PLACE_MM:
            places.append([])
            last = depths[index]
        places[-1].append(frames[index])
    return places


def _split(frames: list[Frame], label: str = "") -> list[Stack]:
    places = _by_place(frames)
    is_repeated = len(places) < len(frames)
    for name in (*DIFFERENT_IMAGES, *PARTS, *(() if is_repeated else MOMENTS)):
        if _tells(name, frames, places, is_repeated):
            parts = _parted(frames, name)
            return [
                stack
                for value, part in parts
                for stack in _split(part, ", ".join(filter(None, (label, _said(name, value)))))
            ]
    if not is_repeated:
        return [Stack([sorted_along_normal(frames)], label)]
    names = [name for name in MOMENTS if len(_parted(frames, name)) > 1]
    several = [tuple(names)] if len(names) > 1 else []  # such as slots of R-R intervals
    for chosen in (*((name,) for name in (*MOMENTS, "acquisition time")), *several):
        moments = [part for _, part in _parted(frames, *chosen)]
        if len(moments) > 1 and all(len(part) == len(places) for part in moments):
            return [Stack([sorted_along_normal(part) for part in moments], label)]
    ranked = _by_rank(frames, places)
    if ranked is not None:
        return [Stack(ranked, label)]
    twice = len(frames) - len(places)
    return [
        Stack(
            [sorted_along_normal(frames)],
            label,
            obstacle=f"{twice} of {len(frames)} slices lie at the position of another one, and"
            " no tag tells them apart",
        )
    ]


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
    parts = _parted(frames, name)
    if len(parts) < 2:
        return False
    if is_repeated:
        return any(len({str(frame.keys.get(name)) for frame in same}) > 1 for same in places)
    normal = normal_of(frames)
    depths = [np.sort(along_normal(part, normal)) for _, part in parts]
    if min(map(len, depths)) < 2 or not _interleave(depths):
        return False
    if name not in PARTS:
        return True
    # Slices of one volume may be acquired in turns. Then they are as thick as they are apart.
    thickness_mm = float(np.median([frame.thickness_mm for frame in frames]))
    apart_mm = float(np.median(np.diff(np.sort(np.concatenate(depths)))))
    apart_in_part_mm = float(np.median(np.concatenate([np.diff(part) for part in depths])))
    return abs(thickness_mm - apart_in_part_mm) < abs(thickness_mm - apart_mm)


def _interleave(depths: list[np.ndarray]) -> bool:
    """Whether the ranges of two parts overlap."""
    ranges = sorted((float(part[0]), float(part[-1])) for part in depths)
    return any(following[0] < before[1] - _SAME_PLACE_MM for before, following in pairwise(ranges))


def _parted(frames: list[Frame], *names: str) -> list[tuple[Any, list[Frame]]]:
    """Part planes by what their tags say, in the order of the values."""
    parts: dict[Any, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[tuple(frame.keys.get(name) for name in names)].append(frame)
    ordered = sorted(parts.items(), key=lambda part: _sortable(part[0]))
    return [(value if len(names) > 1 else value[0], part) for value, part in ordered]


def _sortable(values: tuple[Any, ...]) -> list[tuple[int, float, str]]:
    return [
        (0, value, "") if isinstance(value, float | int) else (1, 0.0, str(value))
        for value in values
    ]


def _said(name: str, value: Any) -> str:
    if value is None:
        return f"no {name}"
    if name == "image type":
        return "/".join(str(each) for each in value[2:] or value) if value else ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{name} {text}"
