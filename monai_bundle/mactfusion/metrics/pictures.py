"""The three pictures that every quality metric compares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mactfusion.errors import InputError

Picture = NDArray[np.float64]


def as_pictures(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike, *, shortest_edge: int = 1
) -> tuple[Picture, Picture, Picture]:
    """Return the three pictures as float64 arrays, once they are known to be comparable.

    Double precision everywhere: unsigned 8-bit arithmetic saturates or wraps in differences and
    squares, which has put wrong values of SCD and VIF into published tables.

    Args:
        fused: shape ``(H, W)``, luminance 0 to 255, array or CPU tensor.
        source_a: the same for the first source.
        source_b: the same for the second source.
        shortest_edge: pixels that the metric's windows need along the shorter edge.

    Raises:
        InputError: not three finite 2-D pictures of one size, too small, or above 255 or
            below 0 (a network's raw output has to be clipped and scaled first).
    """
    pictures = tuple(np.asarray(image, dtype=np.float64) for image in (fused, source_a, source_b))
    shapes = [picture.shape for picture in pictures]
    if len(set(shapes)) != 1 or len(shapes[0]) != 2:
        msg = (
            f"A metric needs three 2-D pictures of one size (fused and two sources), not {shapes}."
        )
        raise InputError(msg)
    if min(shapes[0]) < shortest_edge:
        msg = f"The pictures are {shapes[0]}: this metric needs {shortest_edge} pixels an edge."
        raise InputError(msg)
    if not all(picture.min() >= 0 and picture.max() <= 255 for picture in pictures):
        msg = "A picture has values that are not within 0 to 255: clip and scale it to 8 bits."
        raise InputError(msg)
    return pictures[0], pictures[1], pictures[2]
