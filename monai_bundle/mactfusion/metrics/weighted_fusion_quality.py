"""Q_w: structural similarity to the sources, weighted by where they show something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures
from mactfusion.metrics.windows import gaussian_taps, local_covariance, local_variance, window_sum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TAPS = gaussian_taps(11, sigma=1.5)
LUMINANCE_CONSTANT = (0.01 * 255) ** 2
CONTRAST_CONSTANT = (0.03 * 255) ** 2
FLAT_VARIANCE = 0.5
NEGLIGIBLE_VARIANCE = 1e-9  # rounding errors; one grey level in one pixel gives at least 1e-6


def weighted_fusion_quality(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return Q_w, the weighted fusion quality index of Piella and Heijmans.

    With s_X the variance of source X in an 11x11 Gaussian window (sigma 1.5 pixels), the weight
    of A is lambda = s_A / (s_A + s_B), the local quality is
    q = lambda SSIM(A, F) + (1 - lambda) SSIM(B, F), and Q_w = sum(c q) with
    c = max(s_A, s_B) / sum(max(s_A, s_B)), over all windows that lie inside the picture. Where
    both sources are flat, s_A = s_B = 0.5 (grey levels squared), so that empty background has a
    very small say. SSIM has the usual constants (0.01 * 255)^2 and (0.03 * 255)^2.

    Source: Piella and Heijmans, "A new quality metric for image fusion", ICIP 2003, as in Zheng
    Liu's ``metricPeilla.m`` (case 2), which recent tables use.

    Other code: the original paper takes the index without constants in 8x8 uniform windows
    (0.00 to 0.03 lower); some code calls the mean of q without the weights c "Q_w".

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 11 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        -1 to 1.

    Raises:
        InputError: the pictures cannot be compared or are smaller than the window.
    """
    fused, source_a, source_b = as_pictures(fused, source_a, source_b, shortest_edge=len(TAPS))
    variance_a, variance_b = local_variance(source_a, TAPS), local_variance(source_b, TAPS)
    flat = variance_a + variance_b < NEGLIGIBLE_VARIANCE
    variance_a, variance_b = np.where(flat, FLAT_VARIANCE, (variance_a, variance_b))
    share_a = variance_a / (variance_a + variance_b)
    quality = share_a * _similarity(source_a, fused) + (1 - share_a) * _similarity(source_b, fused)
    return float(np.average(quality, weights=np.maximum(variance_a, variance_b)))


def _similarity(first: Picture, second: Picture) -> Picture:
    """Return SSIM in every full window."""
    mean_first, mean_second = window_sum(first, TAPS), window_sum(second, TAPS)
    variances = local_variance(first, TAPS) + local_variance(second, TAPS)
    luminance = (2 * mean_first * mean_second + LUMINANCE_CONSTANT) / (
        mean_first**2 + mean_second**2 + LUMINANCE_CONSTANT
    )
    structure = (2 * local_covariance(first, second, TAPS) + CONTRAST_CONSTANT) / (
        variances + CONTRAST_CONSTANT
    )
    return luminance * structure
