"""Planes gathered by their places, or parted by what their tags say."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.io.dicom.geometry import along_normal, normal_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame

KINDS = ("image type", "component", "kernel", "dose", "dose type")
"""Words: planes that differ in one of these are several volumes, wherever they lie."""

SETTINGS = ("echo time", "echo", "b-value", "flip angle", "inversion time", "kVp",
            "energy window", "detector")  # fmt: skip
"""Numbers: likewise, unless most planes have a value of their own."""

MOMENTS = ("temporal position", "temporal index", "time slot", "R-R interval",
           "frame reference time", "trigger time", "direction")  # fmt: skip
"""Planes at one place that differ in one of these show it several times: they are frames."""

PARTS = ("acquisition", "stack")
"""Planes that differ in one of these may be parts of one volume, or volumes of their own."""

SAME_PLACE_MM = 1e-2

WIDER = 1.5
"""A distance this many times another is no unevenness: slices are missing, or they overlap."""

_SAME_SHARE, _SAME = 0.01, 0.01
"""Numbers of a setting that differ less are one: as a share, or in its unit."""


def by_place(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Gather planes that lie at one place, in the order of their places."""
    depths = along_normal(frames, normal_of(frames))
    places: list[list[Frame]] = []
    last = None
    for index in np.argsort(depths, kind="stable"):
        if last is None or depths[index] - last > SAME_PLACE_MM:
            places.append([])
            last = depths[index]
        places[-1].append(frames[index])
    return places


def parted(frames: list[Frame], *names: str) -> list[tuple[Any, list[Frame]]]:
    """Part planes by what their tags say, in the order of the values.

    Settings that differ by less than a scanner's rounding count as one.
    """
    parts: dict[Any, list[Frame]] = defaultdict(list)
    alike = {name: _alike([frame.keys.get(name) for frame in frames], name) for name in names}
    for frame in frames:
        values = ((name, frame.keys.get(name)) for name in names)
        parts[tuple(alike[name].get(value, value) for name, value in values)].append(frame)
    ordered = sorted(parts.items(), key=lambda part: _sortable(part[0]))
    return [(value if len(names) > 1 else value[0], part) for value, part in ordered]


def _alike(values: Sequence[Any], name: str) -> dict[Any, float]:
    """Give numbers of a setting that are nearly the same one number."""
    if name not in SETTINGS:
        return {}
    found: dict[Any, float] = {}
    first = None
    for value in sorted({value for value in values if isinstance(value, float)}):
        if first is None or value - first > _SAME + _SAME_SHARE * abs(value):
            first = value
        found[value] = first
    return found


def _sortable(values: tuple[Any, ...]) -> list[tuple[int, float, str]]:
    return [
        (0, value, "") if isinstance(value, float | int) else (1, 0.0, str(value))
        for value in values
    ]
