"""Voxels as a page carries them: pictures in 8 bits, values in their own units in 16 bits."""

from __future__ import annotations

import base64
import gzip
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from monai.data import MetaTensor

OUTSIDE = 2**16 - 1
"""The code of a voxel without a value, such as one beyond a partner's field of view."""

_STEPS = OUTSIDE - 1
"""Most steps from the lowest to the highest value."""


def embedded_picture(volume: MetaTensor) -> str:
    """Return ``(C, I, J, K)`` in [0, 1] as text for a page.

    Base64 of gzip of 8-bit voxels, first index fastest, channel slowest.
    """
    values = np.nan_to_num(volume.numpy()).clip(0, 1)
    return _packed(np.rint(values * 255).astype(np.uint8).transpose(0, 3, 2, 1).tobytes())


def embedded_values(values: np.ndarray) -> tuple[dict[str, Any], str]:
    """Return ``(I, J, K)`` in any units as text for a page, rounded to steps.

    A voxel's value is ``step`` times its code plus ``lowest``. The step is the finest of 1, 2 and 5
    times a power of ten of which 65 534 reach from the lowest to the highest value; whole numbers
    have a step of at least 1 and so stay as they are unless they reach farther. What is not finite
    has the code :data:`OUTSIDE`. Smooth volumes pack well because the codes are written as
    differences from voxel to voxel, first index fastest, high bytes before low bytes.

    Returns:
        What the script needs to know (``step``; ``lowest``, a number of steps; ``decimals``, the
        digits that a step has), and base64 of gzip of the differences, modulo 2**16.
    """
    is_known = np.isfinite(values)
    known = values[is_known].astype(np.float64)
    step, decimals = _step(known)
    lowest = int(np.rint(known.min() / step)) if known.size else 0
    codes = np.full(values.shape, OUTSIDE, dtype=np.uint16)
    codes[is_known] = np.rint(known / step) - lowest
    differences = np.diff(codes.ravel(order="F"), prepend=np.uint16(0))
    high, low = differences >> 8, differences & 255
    packed = _packed(np.concatenate([high, low]).astype(np.uint8).tobytes())
    return {"step": step, "lowest": lowest, "decimals": decimals}, packed


def _step(known: np.ndarray) -> tuple[float, int]:
    """Return the step for these values and the digits that it has after the point."""
    if not known.size:
        return 1.0, 0
    is_whole = bool((known == np.rint(known)).all())
    # One value alone has no range; its size then tells what is fine.
    reach = (known.max() - known.min()) or abs(known[0])
    finest = reach / (_STEPS - 1)  # both ends may be rounded outwards
    if is_whole and finest <= 1:
        return 1.0, 0
    power = math.floor(math.log10(finest))
    factor = next(factor for factor in (1, 2, 5, 10) if factor * 10.0**power >= finest)
    return float(f"{factor}e{power}"), max(0, -power - (factor == 10))


def _packed(content: bytes) -> str:
    # A zero time stamp keeps equal results equal files.
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode("ascii")
