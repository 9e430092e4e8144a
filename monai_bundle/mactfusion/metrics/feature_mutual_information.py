"""FMI: mutual information of edge maps, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate, sobel

from mactfusion.metrics.pictures import Picture, as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

WINDOW_PIXELS = 9
PATTERNS = 2**WINDOW_PIXELS
PLACE_VALUES = 2 ** np.arange(WINDOW_PIXELS).reshape(3, 3, order="F")
"""The pixels of a 3x3 window column by column, as MATLAB reads them: the order counts."""
THRESHOLD_FACTOR = 4.0  # over the mean squared gradient
EQUAL_DIRECTIONS = 100 * np.finfo(float).eps

Distributions = NDArray[np.float64]


def feature_mutual_information(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return FMI, the mean of the feature mutual information with A and with B.

    The feature is the map of Sobel edges (MATLAB's ``edge``: squared gradient above four times its
    mean, thinned). In every full 3x3 window both maps, read column by column, count as
    distributions p and q over nine places (uniform where the map is flat), with cumulated sums P
    and Q. Their joint distribution is assumed: phi times the one of the largest possible
    correlation, min(P, Q), plus (1 - phi) p q, phi such that the correlation is that of the nine
    pixels; where that is negative, max(P + Q - 1, 0) takes the place of min(P, Q). The window
    scores 2 (H(p) + H(q) - H(p, q)) / (H(p) + H(q)), and 1 where the maps are equal. Larger is
    better.

    Source: Haghighat, Aghagolzadeh and Seyedarabi, "A non-reference image fusion metric based on
    mutual information of image features", Computers and Electrical Engineering 37(5), 2011;
    Haghighat and Razian, "Fast-FMI", AICT 2014, and its code with the default feature.

    Other code: "FMI_pixel" names this one in some code, though its feature is edges. Other features
    (raw pixels, gradient, DCT) give about 0.6 to 0.7, 0.6 and 0.3.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 3 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 to 1. A single window can score up to 1.1: the assumed distribution need not be possible.

    Raises:
        InputError: the pictures cannot be compared or are smaller than the window.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=3)
    of_fused, *of_sources = (_patterns(_sobel_edges(picture)) for picture in pictures)
    return sum(_mean_information(pattern, of_fused) for pattern in of_sources) / 2


def _sobel_edges(picture: Picture) -> NDArray[np.bool_]:
    """Return MATLAB's ``edge(picture)``: strong gradients that are the largest in their direction.

    Of two equal neighbours the one to the right, or below, is the edge; outside there is none.
    """
    horizontal, vertical = (sobel(picture, axis=axis, mode="nearest") / 8 for axis in (1, 0))
    energy = horizontal**2 + vertical**2
    padded = np.pad(energy, 1)
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    above, below = padded[:-2, 1:-1], padded[2:, 1:-1]
    steepness = np.abs(horizontal) - np.abs(vertical)
    upright = (steepness >= -EQUAL_DIRECTIONS) & (left <= energy) & (energy > right)
    level = (steepness <= EQUAL_DIRECTIONS) & (above <= energy) & (energy > below)
    return (energy > THRESHOLD_FACTOR * energy.mean()) & (upright | level)


def _patterns(edges: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the number, 0 to 511, of the pattern in every full 3x3 window."""
    return correlate(edges.astype(np.intp), PLACE_VALUES, mode="constant")[1:-1, 1:-1]


def _mean_information(source: NDArray[np.intp], fused: NDArray[np.intp]) -> float:
    """Return the mean score; every pair of patterns that occurs is computed once."""
    pairs, counts = np.unique(source * PATTERNS + fused, return_counts=True)
    scores = _information(*np.divmod(pairs, PATTERNS))
    return float(np.average(scores, weights=counts))


def _information(source: NDArray[np.intp], fused: NDArray[np.intp]) -> Distributions:
    """Return the score of N pairs of patterns."""
    p, q = _distribution(source), _distribution(fused)
    entropies = _entropy(p) + _entropy(q)
    shared = entropies - _entropy(_joint(p, q).reshape(len(p), -1))
    scores = np.divide(2 * shared, entropies, out=np.zeros(len(p)), where=entropies > 0)
    return np.where(source == fused, 1.0, scores)


def _distribution(patterns: NDArray[np.intp]) -> Distributions:
    """Return the distribution over nine places, ``(N, 9)``; uniform for empty and full windows."""
    places = (patterns[:, None] >> np.arange(WINDOW_PIXELS) & 1).astype(np.float64)
    places[patterns == 0] = 1
    return places / places.sum(axis=1, keepdims=True)


def _joint(p: Distributions, q: Distributions) -> Distributions:
    """Return the assumed joint distributions, ``(N, 9, 9)``."""
    correlation = _correlation(p, q)
    cumulated_p, cumulated_q = p.cumsum(axis=1)[:, :, None], q.cumsum(axis=1)[:, None, :]
    upper = np.minimum(cumulated_p, cumulated_q)
    lower = np.maximum(cumulated_p + cumulated_q - 1, 0)
    bound = np.where(correlation[:, None, None] >= 0, upper, lower)
    largest = (bound - cumulated_p * cumulated_q).sum(axis=(1, 2))  # Hoeffding's covariance
    spread = _standard_deviation(p) * _standard_deviation(q)
    share = np.zeros(len(p))
    usable = (spread > 0) & (correlation != 0)
    np.divide(correlation * spread, largest, out=share, where=usable)
    extreme = np.diff(np.diff(bound, axis=1, prepend=0), axis=2, prepend=0)
    independent = p[:, :, None] * q[:, None, :]
    return share[:, None, None] * extreme + (1 - share[:, None, None]) * independent


def _correlation(p: Distributions, q: Distributions) -> Distributions:
    """Return Pearson's correlation of the nine values; 0 where one of the two is uniform."""
    p, q = p - 1 / WINDOW_PIXELS, q - 1 / WINDOW_PIXELS
    product = (p * q).sum(axis=1)
    product[np.abs(product) < 1e-12] = 0  # rounding errors
    length = np.sqrt((p**2).sum(axis=1) * (q**2).sum(axis=1))
    return np.divide(product, length, out=np.zeros(len(p)), where=product != 0)


def _standard_deviation(p: Distributions) -> Distributions:
    """Return the standard deviation of the place, 1 to 9, under each distribution."""
    places = np.arange(1.0, WINDOW_PIXELS + 1)
    variance = p @ places**2 - (p @ places) ** 2
    return np.sqrt(np.where(variance > 1e-9, variance, 0.0))


def _entropy(p: Distributions) -> Distributions:
    """Return the entropy of each row in bits.

    An assumed joint distribution can have negative entries; their size counts, as in the authors'
    code, which takes the real part of the logarithm.
    """
    logarithm = np.log2(np.abs(p), out=np.zeros_like(p), where=np.abs(p) > 1e-15)
    return -(p * logarithm).sum(axis=1)
