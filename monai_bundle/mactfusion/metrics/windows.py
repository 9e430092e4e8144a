"""Local means, variances and covariances inside a sliding window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

if TYPE_CHECKING:
    from mactfusion.metrics.pictures import Picture

Taps = NDArray[np.float64]


def gaussian_taps(size: int, sigma: float) -> Taps:
    """Return one axis of a normalised ``size`` x ``size`` Gaussian window; sigma in pixels."""
    offsets = np.arange(size) - (size - 1) / 2
    taps = np.exp(-(offsets**2) / (2 * sigma**2))
    return taps / taps.sum()


def window_sum(picture: Picture, taps: Taps) -> Picture:
    """Weigh and sum every full window: ``(H, W)`` to ``(H - n + 1, W - n + 1)``, odd n taps.

    Windows that would reach over the border are left out ("valid" filtering).
    """
    radius = len(taps) // 2
    rows = correlate1d(picture, taps, axis=0, mode="constant")[radius : len(picture) - radius]
    columns = correlate1d(rows, taps, axis=1, mode="constant")
    return columns[:, radius : picture.shape[1] - radius]


def local_covariance(first: Picture, second: Picture, taps: Taps) -> Picture:
    """Return the covariance of two pictures in every full window; taps sum to 1."""
    return window_sum(first * second, taps) - window_sum(first, taps) * window_sum(second, taps)


def local_variance(picture: Picture, taps: Taps) -> Picture:
    """Return the variance in every full window; rounding never makes it negative."""
    return np.maximum(local_covariance(picture, picture, taps), 0.0)
