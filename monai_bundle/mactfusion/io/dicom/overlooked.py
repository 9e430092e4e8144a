"""Slices that are missing everywhere, so that no gap shows; only their numbers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.io.dicom.geometry import along_normal, normal_of
from mactfusion.io.dicom.parts import WIDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.frame import Frame, Image


SKIPS = (
    "its slices lie further apart than they are thick, and their numbers (InstanceNumber) skip"
    " some; slices between them may be missing"
)


def skips(frames: Sequence[Frame], images: Sequence[Image]) -> bool:
    """Whether slices lie apart, tell no distance, and no image has a number between theirs.

    Args:
        frames: a volume, in the order in which its planes lie.
        images: those of its series.
    """
    numbers = {_number(frame) for frame in frames}
    thickness_mm = float(np.median([frame.thickness_mm for frame in frames]))
    if len(frames) < 3 or frames[0].apart_mm or thickness_mm <= 0:
        return False
    own = sorted(numbers)
    step_mm = float(np.median(np.diff(along_normal(frames, normal_of(frames)))))
    if len(own) < len(frames) or min(np.diff(own)) < 2 or step_mm <= WIDER * thickness_mm:
        return False
    others = {_number(frame) for image in images for frame in image.frames} - numbers
    return not any(own[0] < number < own[-1] for number in others)


def _number(frame: Frame) -> float:
    number = frame.hints.get("InstanceNumber")
    return number if isinstance(number, float) else 0.0
