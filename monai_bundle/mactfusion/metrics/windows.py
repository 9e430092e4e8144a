"""Local means, variances and covariances inside a sliding window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

if TYPE_CHECKING:
    from mactfusion.metrics.pictures import Picture

Taps = NDArray[np.float64]

NEGLIGIBLE_VARIANCE = 1e-9
"""Grey levels squared: less is rounding; one grey level in one pixel gives at least 1e-6."""


def gaussian_taps(size: int, sigma: float) -> Taps:
    """Return one axis of a normalised ``size`` x ``size`` Gaussian window; sigma in pixels."""
    offsets = np.arange(size) - (size - 1) / 2
    taps = np.exp(-(offsets**2) / (2 * sigma**2))
    return taps / taps.sum()


def window_sum(picture: Picture, taps: Taps) -> Picture:
    """Weigh and sum every full window: ``(H, W)`` to ``(H - n + 1, W - n + 1)``, n taps.

    Windows that would reach over the border are left out ("valid" filtering).
    """
    centre = len(taps) // 2
    rows, columns = (slice(centre, centre + size - len(taps) + 1) for size in picture.shape)
    filtered = correlate1d(picture, taps, axis=0, mode="constant")[rows]
    return correlate1d(filtered, taps, axis=1, mode="constant")[:, columns]


class LocalStatistics(NamedTuple):
    """Mean and variance of one picture in every full window, kept for several comparisons."""

    picture: Picture
    taps: Taps
    mean: Picture
    variance: Picture


def local_statistics(picture: Picture, taps: Taps) -> LocalStatistics:
    """Return mean and variance in every full window; taps sum to 1.

    Rounding never makes a variance negative.
    """
    mean = window_sum(picture, taps)
    variance = np.maximum(window_sum(picture**2, taps) - mean**2, 0.0)
    return LocalStatistics(picture, taps, mean, variance)


def local_covariance(first: LocalStatistics, second: LocalStatistics) -> Picture:
    """Return the covariance of two pictures in every full window of the same taps."""
    product = window_sum(first.picture * second.picture, first.taps)
    return product - first.mean * second.mean
