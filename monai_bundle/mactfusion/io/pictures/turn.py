"""How a picture is to be turned before it is looked at: the orientation of EXIF and TIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ORIENTATION = 0x0112
"""The tag, in EXIF and in TIFF."""


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels as they are meant to be seen.

    Args:
        pixels: ``(H, W)`` or ``(H, W, C)`` as stored.
        orientation: 1 to 8 (EXIF 2.3, TIFF 6.0); 1 is as stored, the even ones up to 4 and the odd
            ones from 5 are mirrored.

    Returns:
        ``(H, W, ...)``, or ``(W, H, ...)`` from 5 on.
    """
    flipped_rows, flipped_columns = pixels[::-1], pixels[:, ::-1]
    return {
        1: pixels,
        2: flipped_columns,
        3: flipped_rows[:, ::-1],
        4: flipped_rows,
        5: pixels.swapaxes(0, 1),
        6: flipped_rows.swapaxes(0, 1),
        7: flipped_rows[:, ::-1].swapaxes(0, 1),
        8: flipped_columns.swapaxes(0, 1),
    }[orientation]


def checked_orientation(value: object, sentences: list[str]) -> int:
    """The orientation that a tag gives, 1 where it is missing or 0.

    Args:
        value: of the tag.
        sentences: gets one where the tag holds what is no orientation.
    """
    if value in (None, 0):
        return 1
    if isinstance(value, int) and 1 <= value <= 8:
        return value
    sentences.append("its orientation is none that EXIF knows; it was left as stored")
    return 1
