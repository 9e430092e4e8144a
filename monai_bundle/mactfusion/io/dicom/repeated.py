"""Why planes that lie several times at a place are no frames of one volume, in a clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom

from mactfusion.io.dicom.geometry import rounding_mm, written
from mactfusion.io.dicom.parts import MOMENTS, by_place, parted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame

_TELLS_NOTHING = ("UI", "DA", "TM", "DT", "PN", "SQ")
_OF_EACH_IMAGE = (
    "InstanceNumber", "SliceLocation", "SmallestImagePixelValue", "LargestImagePixelValue",
    "WindowCenter", "WindowWidth",
)  # fmt: skip
_MOST_NAMED = 3


def why_not_frames(frames: list[Frame], places: list[list[Frame]]) -> str:
    """Say which slices lie twice, and why that is.

    Args:
        frames: of one kind, which no tag parts into frames that are whole.
        places: the same by their places.
    """
    twice, every = len(frames) - len(places), len(places)
    if fall_together(frames):
        return (
            f"its positions are rounded to {written(frames)}, so that {twice} of {len(frames)}"
            " slices fall together with another one"
        )
    lies = f"{twice} of {len(frames)} slices lie at the position of another one"
    reason = ""
    for name in (*MOMENTS, "acquisition time", "acquisition"):
        parts = [part for _, part in parted(frames, name)]
        if len(parts) < 2 or any(len(by_place(part)) < len(part) for part in parts):
            continue
        sizes = [len(part) for part in parts]
        if every in sizes:
            short = next(place for place, size in enumerate(sizes) if size < every)
            return (
                f"{lies}, as in frames taken one after another; but frame {short + 1} of"
                f" {len(parts)} (by {name}) has {sizes[short]} of {every} slices"
            )
        if len(parts) < len(frames):
            return f"{lies}, where {len(parts)} parts taken one after another (by {name}) overlap"
        reason = reason or (
            f"{lies}: they were taken again (by {name}), and nothing says which belong together"
        )
    if reason:
        return reason
    if names := _differing(places):
        return f"{lies}; they differ in {names}, by which volumes are not told apart"
    return f"{lies}, and no tag tells them apart"


def fall_together(frames: Sequence[Frame]) -> bool:
    """Whether slices lie closer than their positions were rounded."""
    told_mm = float(np.median([frame.apart_mm or frame.thickness_mm for frame in frames]))
    return 0 < told_mm < rounding_mm(frames)


def _differing(places: list[list[Frame]]) -> str:
    """Name tags, without their values, in which two planes at one place differ."""
    first, second = next(same for same in places if len(same) > 1)[:2]
    if first.image.path == second.image.path:
        return ""
    try:
        headers = [
            pydicom.dcmread(frame.image.path, stop_before_pixels=True, force=True)
            for frame in (first, second)
        ]
        names = [
            keyword
            for keyword in sorted({element.keyword for header in headers for element in header})
            if keyword
            and keyword not in _OF_EACH_IMAGE
            and headers[0].get(keyword) != headers[1].get(keyword)
            and all(
                header[keyword].VR not in _TELLS_NOTHING for header in headers if keyword in header
            )
        ]
    except Exception:  # an element that nothing else needs cannot be read
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
