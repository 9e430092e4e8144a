"""Which of several frames of a source is meant, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.errors import InputError, warn
from mactfusion.io.dicom.choose import ANATOMICAL, PARTNER
from mactfusion.option_values import checked_frame
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Callable

MEAN = "mean"
NO_DURATIONS = "the durations of its frames are unknown, so that each counts the same"


@dataclass(frozen=True)
class FrameChoice:
    """What was chosen for a source.

    Attributes:
        frame: a number from "1"; "mean" for all; "auto" for the only one.
        role: "anatomical" or "partner", whose option a message names.
    """

    frame: str = "auto"
    role: str = PARTNER

    def __post_init__(self) -> None:
        """Refuse what names no frame.

        Raises:
            InputError: likewise.
        """
        object.__setattr__(self, "frame", checked_frame(self.frame))

    @property
    def option(self) -> str:
        """The option of the role."""
        return option("anatomical_frame" if self.role == ANATOMICAL else "frame")

    def numbers(self, count: int, name: str) -> range:
        """Return the frames to read, counted from 0.

        Args:
            count: of the frames that there are.
            name: how messages call the source.

        Raises:
            InputError: there are several and nothing was chosen, or the chosen one is not there.
        """
        if count == 1:
            if self.frame not in ("auto", MEAN, "1"):
                raise InputError(f"{name} holds one frame, not {self.frame}")
            return range(1)
        if self.frame == "auto":
            raise InputError(
                f"{name} holds {count} frames (points of time, phases or directions); choose one"
                f" with {self.option} 1 to {count}, or their mean with {self.option} mean"
            )
        if self.frame == MEAN:
            return range(count)
        if not 1 <= int(self.frame) <= count:
            raise InputError(
                f"{name} holds {count} frames; {self.option} {self.frame} is none of them"
            )
        return range(int(self.frame) - 1, int(self.frame))

    def read(self, count: int, frame_at: Callable[[int], np.ndarray], name: str) -> np.ndarray:
        """Read the frame that is meant, or the mean of frames that do not tell their durations.

        A step in time that a header tells is no duration: converters write one for frames of
        unequal length too.

        Args:
            count: of the frames that there are.
            frame_at: returns one, counted from 0: ``(I, J, K)``, colour last.
            name: how messages call the source.

        Returns:
            The frame as it is; the mean as float64.

        Raises:
            InputError: see :meth:`numbers`; or colours, which have no mean.
        """
        numbers = self.numbers(count, name)
        first = frame_at(numbers[0])
        if len(numbers) == 1 or first.dtype.kind not in "iuf":
            return first
        if first.ndim > 3:
            raise InputError(
                f"{name} holds frames in colour, of which no mean is taken; choose one with"
                f" {self.option}"
            )
        mean = first.astype(np.float64)
        for number in numbers[1:]:
            mean += frame_at(number)
        mean /= count
        warn(f"{name}: {NO_DURATIONS}")
        return mean
