"""Q_w: structural similarity to the sources, weighted by where they show something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import prewitt

from mactfusion.metrics.pictures import Picture, as_pictures
from mactfusion.metrics.structural_similarity import (
    CONTRAST_CONSTANT,
    LUMINANCE_CONSTANT,
    TAPS,
    similarity_map,
)
from mactfusion.metrics.windows import NEGLIGIBLE_VARIANCE, Taps, local_statistics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FLAT_VARIANCE = 0.5
BOX_TAPS = np.full(8, 1 / 8)


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
    (:func:`weighted_fusion_quality_without_constants`, 0.03 lower to 0.01 higher); some code calls
    the mean of q without the weights c "Q_w" (:func:`fusion_quality`).

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
    return _weighted(*_quality(*pictures))


def fusion_quality(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return Q, the plain mean of the local quality q of :func:`weighted_fusion_quality`.

    -1 to 1, larger is better; at least 11 pixels an edge. Also called Q_S. Empty background,
    which any method gets right, counts as much as the head. ``metricPeilla.m``, case 1.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=len(TAPS))
    return float(_quality(*pictures)[0].mean())


def edge_dependent_fusion_quality(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return Q_E: Q_w of the pictures times Q_w of their edge strengths.

    Edge strength is the length of the Prewitt gradient (3x3, zeros outside). -1 to 1, larger is
    better; at least 11 pixels an edge. ``metricPeilla.m``, case 3, whose exponent alpha is 1.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=len(TAPS))
    fused_edges, a_edges, b_edges = (_edge_strength(picture) for picture in pictures)
    of_edges = _weighted(*_quality(fused_edges, a_edges, b_edges))
    return _weighted(*_quality(*pictures)) * of_edges


def fusion_quality_without_constants(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return Q of the original paper: Q_0 in 8x8 uniform windows in place of SSIM.

    -1 to 1, larger is better; at least 8 pixels an edge. Q_0 = 4 c m_X m_F / ((v_X + v_F)
    (m_X^2 + m_F^2)); where both pictures are flat, or black, in a window, that factor is 1.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=len(BOX_TAPS))
    return float(_quality(*pictures, BOX_TAPS, (0, 0))[0].mean())


def weighted_fusion_quality_without_constants(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return Q_w of the original paper, see :func:`fusion_quality_without_constants`.

    -1 to 1, larger is better; at least 8 pixels an edge. Windows where both sources are flat have
    no weight.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=len(BOX_TAPS))
    return _weighted(*_quality(*pictures, BOX_TAPS, (0, 0), flat_weight=0))


def _quality(
    fused: Picture,
    source_a: Picture,
    source_b: Picture,
    taps: Taps = TAPS,
    constants: tuple[float, float] = (LUMINANCE_CONSTANT, CONTRAST_CONSTANT),
    flat_weight: float = FLAT_VARIANCE,
) -> tuple[Picture, Picture]:
    """Return local quality q and its weight, not yet divided by the sum, in every full window."""
    of_fused, of_a, of_b = (local_statistics(x, taps) for x in (fused, source_a, source_b))
    flat = of_a.variance + of_b.variance < NEGLIGIBLE_VARIANCE
    variance_a, variance_b = np.where(flat, FLAT_VARIANCE, (of_a.variance, of_b.variance))
    share_a = variance_a / (variance_a + variance_b)
    similar_a, similar_b = (similarity_map(x, of_fused, *constants) for x in (of_a, of_b))
    quality = share_a * similar_a + (1 - share_a) * similar_b
    return quality, np.where(flat, flat_weight, np.maximum(variance_a, variance_b))


def _weighted(quality: Picture, weights: Picture) -> float:
    """Return the weighted mean; the plain one where nothing has a weight."""
    return float(np.average(quality, weights=weights if weights.any() else None))


def _edge_strength(picture: Picture) -> Picture:
    horizontal, vertical = (prewitt(picture, axis=axis, mode="constant") for axis in (1, 0))
    return np.hypot(horizontal, vertical)
