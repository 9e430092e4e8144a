"""MEF-MS-SSIM: structure of the fused picture against the strongest structure of the sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures
from mactfusion.metrics.windows import (
    gaussian_taps,
    local_covariance,
    local_statistics,
    window_sum,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

WINDOW_SIZE = 11
BOX = np.ones(WINDOW_SIZE)
GAUSSIAN = gaussian_taps(WINDOW_SIZE, sigma=1.5)
PIXELS = WINDOW_SIZE**2
CONTRAST_CONSTANT = (0.03 * 255) ** 2
LARGEST_EXPONENT = 10.0
NORM_OFFSET = 0.001  # of the authors' code: no division by 0 in flat patches
CANCELLATION = 1e-9
LEVEL_WEIGHTS = np.array([0.0448, 0.2856, 0.3001])
SHORTEST_EDGE = 41  # halved twice, one full window is left


def ms_ssim_fusion(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return MEF-MS-SSIM, the multi-scale structural similarity for fusion of Ma, Zeng and Wang.

    In every 11x11 patch, s_k is source k minus its patch mean and ``|s|`` the Euclidean norm. The
    desired patch is d = sum_k w_k s_k / ``|s_k|``, rescaled to the norm max_k ``|s_k|``, with
    weights w_k proportional to (``|s_k|`` / 11)^p, p = min(tan(pi R / 2), 10) and the consistency
    R = ``|sum_k s_k|`` / sum_k ``|s_k|``. The patch scores
    (2 cov(d, F) + C) / (var(d) + var(F) + C), moments under a Gaussian of sigma 1.5 pixels,
    C = (0.03 * 255)^2. The mean score of three levels (2x2 means, halved) is multiplied with
    exponents 0.0448, 0.2856, 0.3001 over their sum.

    Source: Ma, Zeng and Wang, "Perceptual quality assessment for multi-exposure image fusion",
    IEEE TIP 24(11), 2015; the authors' MATLAB code.

    Other code: "MS-SSIM" in other tables is Wang's measure of 2003, five scales, mean of both
    sources (``MS_SSIM_wang``): 0.44 to 0.81 where this one is 0.84 to 0.97. The score of the first
    level alone is :func:`mef_ssim`.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 41 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 to 1. A level whose mean score is negative counts as 0.

    Raises:
        InputError: the pictures cannot be compared or are too small for three levels.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    scores = []
    for _ in LEVEL_WEIGHTS:
        scores.append(_level_score(*pictures))
        pictures = (halved(pictures[0]), halved(pictures[1]), halved(pictures[2]))
    return float(np.prod(np.maximum(scores, 0.0) ** (LEVEL_WEIGHTS / LEVEL_WEIGHTS.sum())))


def mef_ssim(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return the mean score of the first level of :func:`ms_ssim_fusion`, at full size.

    -1 to 1, larger is better. At least 11 pixels an edge.
    """
    return _level_score(*as_pictures(fused, source_a, source_b, shortest_edge=WINDOW_SIZE))


def halved(picture: Picture) -> Picture:
    """Return the means of 2x2 blocks; an odd last row or column is repeated."""
    height, width = picture.shape
    even = np.pad(picture, ((0, height % 2), (0, width % 2)), mode="edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _level_score(fused: Picture, source_a: Picture, source_b: Picture) -> float:
    """Return the mean score of all patches.

    The desired patch is a weighted sum of the two centred patches with one pair of factors per
    patch, so all its moments follow from those of the sources, and no patch is ever formed.
    """
    factor_a, factor_b = _desired_patch(source_a, source_b)
    of_fused, of_a, of_b = (local_statistics(x, GAUSSIAN) for x in (fused, source_a, source_b))
    variance_desired = (
        factor_a**2 * of_a.variance
        + factor_b**2 * of_b.variance
        + 2 * factor_a * factor_b * local_covariance(of_a, of_b)
    )
    covariance = factor_a * local_covariance(of_a, of_fused)
    covariance += factor_b * local_covariance(of_b, of_fused)
    variances = np.maximum(variance_desired, 0.0) + of_fused.variance
    scores = (2 * covariance + CONTRAST_CONSTANT) / (variances + CONTRAST_CONSTANT)
    return float(scores.mean())


def _desired_patch(source_a: Picture, source_b: Picture) -> tuple[Picture, Picture]:
    """Return the factors of both centred source patches in the desired patch."""
    sum_a, sum_b = window_sum(source_a, BOX), window_sum(source_b, BOX)
    energy_a = _centred_product(source_a * source_a, sum_a * sum_a)
    energy_b = _centred_product(source_b * source_b, sum_b * sum_b)
    product = _centred_product(source_a * source_b, sum_a * sum_b)
    norm_a, norm_b = _norm(energy_a), _norm(energy_b)
    consistency = _ratio(_norm(energy_a + energy_b + 2 * product), norm_a + norm_b)
    exponent = np.minimum(np.tan(np.pi / 2 * np.minimum(consistency, 1.0)), LARGEST_EXPONENT)
    norm_a, norm_b = norm_a + NORM_OFFSET, norm_b + NORM_OFFSET
    factor_a = (norm_a / WINDOW_SIZE) ** exponent / norm_a
    factor_b = (norm_b / WINDOW_SIZE) ** exponent / norm_b
    summands = factor_a**2 * energy_a + factor_b**2 * energy_b
    energy = summands + 2 * factor_a * factor_b * product
    # Of sources that are each other's negative nothing but rounding errors is left.
    energy = np.where(energy > CANCELLATION * summands, energy, 0.0)
    scale = _ratio(np.maximum(norm_a, norm_b), np.sqrt(energy))
    return factor_a * scale, factor_b * scale


def _centred_product(product: Picture, product_of_sums: Picture) -> Picture:
    """Return the scalar product of the centred patches.

    Box sums of 8-bit pictures are exact in double precision, so a flat patch gives 0 exactly.
    """
    return (window_sum(product, BOX) * PIXELS - product_of_sums) / PIXELS


def _norm(energy: Picture) -> Picture:
    """Return the square root; an energy that rounding made negative counts as 0."""
    return np.sqrt(np.maximum(energy, 0.0))


def _ratio(numerator: Picture, denominator: Picture) -> Picture:
    """Divide; 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
