"""Planes of a series that were taken for another volume, and may belong to this one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.io.dicom.geometry import along_normal, normal_of
from mactfusion.io.dicom.parts import SAME_PLACE_MM, WIDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame

_CLOSE = 0.75
_SAME_DIRECTION = 0.999


def beside(frames: Sequence[Frame], others: Sequence[Sequence[Frame]]) -> str:
    """Say whether other volumes of a series fill the gaps of one, or continue it.

    Args:
        frames: a volume, in the order in which its planes lie.
        others: those of the other volumes.

    Returns:
        A sentence, "" where they do neither.
    """
    normal = normal_of(frames)
    space = frames[0].image.frame_of_reference
    depths = along_normal(frames, normal)
    thickness_mm = float(np.median([frame.thickness_mm for frame in frames]))
    step_mm = float(np.median(np.diff(depths))) if len(frames) > 1 else thickness_mm
    between = beyond = 0
    for other in others:
        is_along = float(normal_of(other) @ normal) > _SAME_DIRECTION
        if not is_along or other[0].image.frame_of_reference != space:
            continue
        places = along_normal(other, normal)
        if any(np.abs(depths - place).min() <= SAME_PLACE_MM for place in places):
            continue  # it shows the same slices in another way
        between += sum(
            int(np.sum((places > before) & (places < after)))
            for before, after in pairwise(depths)
            if after - before > WIDER * thickness_mm
        )
        ends_mm = [
            *(depths.min() - places[places < depths.min()]),
            *(places[places > depths.max()] - depths.max()),
        ]
        if ends_mm and _CLOSE * step_mm <= min(ends_mm) <= WIDER * step_mm:
            beyond += len(ends_mm)
    where = {"between its own": between, "beyond its first or last one": beyond}
    said = [f"{count} {place}" for place, count in where.items() if count]
    if not said:
        return ""
    return (
        f"other slices of its series lie beside it ({', '.join(said)}) and were taken for another"
        " volume; slices of its own may be missing"
    )
