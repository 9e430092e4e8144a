"""SSIM: mean brightness, contrast and structure inside a sliding window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures
from mactfusion.metrics.windows import (
    NEGLIGIBLE_VARIANCE,
    LocalStatistics,
    gaussian_taps,
    local_covariance,
    local_statistics,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TAPS = gaussian_taps(11, sigma=1.5)
LUMINANCE_CONSTANT = (0.01 * 255) ** 2
CONTRAST_CONSTANT = (0.03 * 255) ** 2

UNIFORM_TAPS = np.full(7, 1 / 7)
SAMPLE_VARIANCE = 49 / 48  # of 7x7 pixels, over that of the population


def structural_similarity(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return (SSIM(A, F) + SSIM(B, F)) / 2.

    In every full 11x11 Gaussian window (sigma 1.5 pixels), with means m, variances v and the
    covariance c, SSIM is (2 m_X m_F + C1) (2 c + C2) / ((m_X^2 + m_F^2 + C1) (v_X + v_F + C2)),
    C1 = (0.01 * 255)^2, C2 = (0.03 * 255)^2; the mean over all windows. Larger is better.

    Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", IEEE TIP 13(4), 2004.

    Other code: the sum of both sources instead of the mean; windows that reach over the border
    (torchmetrics from 1.0, 0.02 higher); :func:`structural_similarity_of_range_two`.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 11 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        -1 to 1.

    Raises:
        InputError: the pictures cannot be compared or are smaller than the window.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=len(TAPS))
    of_fused, *of_sources = (local_statistics(picture, TAPS) for picture in pictures)
    return sum(float(similarity_map(source, of_fused).mean()) for source in of_sources) / 2


def structural_similarity_of_range_two(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return SSIM(A, F) + SSIM(B, F) as CDDFuse computes them.

    7x7 uniform windows, sample variances, and C1 = (0.01 * 2)^2, C2 = (0.03 * 2)^2: scikit-image's
    default for floating-point pictures, meant for -1 to 1 and applied to 0 to 255. -2 to 2,
    larger is better. At least 7 pixels an edge.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=len(UNIFORM_TAPS))
    of_fused, *of_sources = (local_statistics(picture, UNIFORM_TAPS) for picture in pictures)
    # A factor of all variances is the same as one over it of the constant beside them.
    constants = (0.01 * 2) ** 2, (0.03 * 2) ** 2 / SAMPLE_VARIANCE
    return sum(float(similarity_map(source, of_fused, *constants).mean()) for source in of_sources)


def similarity_map(
    first: LocalStatistics,
    second: LocalStatistics,
    luminance_constant: float = LUMINANCE_CONSTANT,
    contrast_constant: float = CONTRAST_CONSTANT,
) -> Picture:
    """Return SSIM in every full window; constants of 0 give the universal quality index Q_0."""
    luminance, structure = luminance_and_structure(
        first, second, luminance_constant, contrast_constant
    )
    return luminance * structure


def luminance_and_structure(
    first: LocalStatistics,
    second: LocalStatistics,
    luminance_constant: float = LUMINANCE_CONSTANT,
    contrast_constant: float = CONTRAST_CONSTANT,
) -> tuple[Picture, Picture]:
    """Return the two factors of SSIM in every full window.

    Without constants a factor is 1 where both pictures are black, or both flat, in the window.
    """
    means = 2 * first.mean * second.mean, first.mean**2 + second.mean**2
    covariances = 2 * local_covariance(first, second), first.variance + second.variance
    return _ratio(*means, luminance_constant), _ratio(*covariances, contrast_constant)


def _ratio(numerator: Picture, denominator: Picture, constant: float) -> Picture:
    """Divide after adding the constant to both; 1 where nothing but rounding is below."""
    denominator = denominator + constant
    ones = np.ones_like(denominator)
    seen = denominator > NEGLIGIBLE_VARIANCE
    return np.divide(numerator + constant, denominator, out=ones, where=seen)
