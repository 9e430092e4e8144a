"""Which planes are one volume: neither one SeriesInstanceUID nor one file decides."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom

from mactfusion.io.dicom.beside import beside
from mactfusion.io.dicom.classic import HINTS
from mactfusion.io.dicom.geometry import normal_of, sorted_along_normal
from mactfusion.io.dicom.in_space import volumes_by, volumes_in_turns
from mactfusion.io.dicom.parts import KINDS, MOMENTS, PARTS, SETTINGS, by_place, parted
from mactfusion.io.dicom.repeated import fall_together, why_not_frames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mactfusion.io.dicom.frame import Frame, Image

_TIMES = ("frame reference time", "trigger time", "acquisition time", "acquisition")
"""What each image may have of its own, in the order of its frames."""

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
        differing: names of tags in which its planes differ, although they are one volume.
        beside: how other planes of its series lie to it, in a clause; "" where they do not matter.
        scouts: images across the others, which were left out.
    """

    moments: list[list[Frame]]
    label: str = ""
    copies: int = 0
    obstacle: str = ""
    differing: tuple[str, ...] = ()
    beside: str = ""
    scouts: list[Image] = field(default_factory=list)


def stacks_of(images: Sequence[Image]) -> list[Stack]:
    """Put the planes of one series into stacks.

    Args:
        images: the files of the series that hold planes.
    """
    alike: dict[tuple[Any, ...], list[Frame]] = defaultdict(list)
    _number_objects(images)
    _fill_in_space(images)
    spaces = list(dict.fromkeys(image.frame_of_reference for image in images if image.frames))
    for image in images:
        for frame in image.frames:
            place = (image.patient_number, image.frame_of_reference)
            size = (image.sop_class, image.rows, image.columns, *place)
            spacing = tuple(round(mm, 4) for mm in frame.spacing_mm)
            kind = (*size, *spacing)
            alike[kind].append(frame)
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
    kept_stacks = _with_scouts(found)
    for stack in kept_stacks:
        others = [other.moments[0] for other in kept_stacks if other is not stack]
        stack.beside = beside(stack.moments[0], others)
    return kept_stacks


def _fill_in_space(images: Sequence[Image]) -> None:
    """An image that names no frame of reference lies in that of the others."""
    known = {image.frame_of_reference for image in images if image.frames} - {""}
    if len(known) == 1:
        (only,) = known
        for image in images:
            image.frame_of_reference = only


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
    names = (*KINDS, *SETTINGS, "object", *PARTS)
    if is_repeated:
        for name in names:
            if _tells_at_a_place(name, frames, places):
                return _split_into(parted(frames, name), name, label)
    for name in (*names, *(() if is_repeated else MOMENTS)):
        volumes = volumes_by(name, frames)
        if len(volumes) > 1:
            return _split_into(volumes, name, label)
    differing = tuple(name for name in (*KINDS, *SETTINGS) if _differs(name, frames))
    if not is_repeated:
        hint, parts = volumes_in_turns(frames)
        if hint:
            numbered = [
                (f"{part} of {len(parts)} by {hint}", each) for part, each in enumerate(parts, 1)
            ]
            return _split_into(numbered, "part", label)
        return [Stack([sorted_along_normal(frames)], label, differing=differing)]
    moments = _moments(frames, places, (*MOMENTS, "acquisition time", "acquisition"))
    if moments is None and not fall_together(frames):
        moments = _by_rank(frames, places)
    if moments is not None:
        return [Stack(moments, label, differing=differing)]
    return [Stack([sorted_along_normal(frames)], label, obstacle=why_not_frames(frames, places))]


def _split_into(parts: Sequence[tuple[Any, list[Frame]]], name: str, label: str) -> list[Stack]:
    labels = _said(name, [value for value, _ in parts])
    return [
        stack
        for (_, part), said in zip(parts, labels, strict=True)
        for stack in _split(part, ", ".join(filter(None, (label, said))))
    ]


def _differs(name: str, frames: list[Frame]) -> bool:
    """Whether planes of one volume differ in a tag, unless most have a value of their own."""
    values = [value for value, _ in parted(frames, name) if value is not None]
    return len(values) > 1 and 2 * len(values) <= len(frames)


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


def _tells_at_a_place(name: str, frames: list[Frame], places: list[list[Frame]]) -> bool:
    """Whether planes at one place differ in a tag that tells volumes apart."""
    parts = parted(frames, name)
    part_of = {id(frame): number for number, (_, part) in enumerate(parts) for frame in part}
    if all(len({part_of[id(frame)] for frame in same}) == 1 for same in places):
        return False
    if name != "acquisition":
        return True
    if len(parts) == len(frames) or _moments(frames, places, MOMENTS) is not None:
        return False  # frames may each count as one
    is_whole = all(len(part) == len(by_place(part)) == len(places) for _, part in parts)
    return not is_whole or any(
        len({str(frame.hints.get(hint)) for frame in same}) > 1 for hint in HINTS for same in places
    )


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
