"""SD: the contrast of the fused picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def standard_deviation(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return SD = sqrt(mean((F - mean F)^2)) in grey levels.

    Larger counts as better in the field (contrast), yet noise raises it too. The sources play no
    part.

    Source: Rao, "In-fibre Bragg grating sensors", Meas. Sci. Technol. 8, 1997, by custom of the
    field.

    Other code: MATLAB's ``std2`` divides by HW - 1. Values near 10 on brain slices come from 8-bit
    MATLAB arrays, :func:`standard_deviation_8_bit`.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255.
        source_a: the same shape.
        source_b: the same shape.

    Returns:
        0 to 127.5.

    Raises:
        InputError: the pictures cannot be compared.
    """
    fused, _, _ = as_pictures(fused, source_a, source_b)
    return float(fused.std())


def standard_deviation_8_bit(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return "SD" as ``SD_evaluation.m`` gives it for 8-bit MATLAB arrays.

    d = round(F - mean F) and d^2 saturate to 0 to 255, the value is sqrt(mean(d^2)): close to
    sqrt(255 * share of pixels above the mean), 0 to 15.97. It measures the area of the foreground,
    hardly contrast; neither larger nor smaller is better. The MACTFusion paper prints this (9.6).
    """
    fused, _, _ = as_pictures(fused, source_a, source_b)
    above = np.maximum(np.floor(fused - fused.mean() + 0.5), 0)  # halves away from 0, as MATLAB
    return float(np.sqrt(np.minimum(above**2, 255).mean()))
