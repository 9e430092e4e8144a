"""The criterion of MsgFusion against independent computations with NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from mactfusion.losses import BothDistanceLoss, BothSimilarityLoss


def make(channels):
    """Fused pictures of some channels that leave [0, 1], and the sources."""
    noise = np.random.default_rng(0).standard_normal((2, 2 + channels, 32, 40))
    smooth = ndimage.gaussian_filter(noise, (0, 0, 1.5, 1.5))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    sources, rest = smooth[:, :2], smooth[:, 2:]
    return 1.3 * sources.mean(axis=1, keepdims=True) - 0.2 + 0.2 * rest, sources


def loss_of(term, fused, sources):
    value = term(torch.from_numpy(fused).float(), torch.from_numpy(sources).float())
    assert value.shape == ()
    return float(value)


def similarity(first, second):
    """Mean SSIM of two pictures over the places where a window of 11 pixels fits."""

    def mean(image):
        # truncate: 5 pixels to each side
        return ndimage.gaussian_filter(image, 1.5, truncate=5 / 1.5)

    a, b = mean(first), mean(second)
    covariance = mean(first * second) - a * b
    variances = mean(first**2) - a**2 + mean(second**2) - b**2
    value = (2 * a * b + 1e-4) * (2 * covariance + 9e-4)
    return np.mean((value / ((a**2 + b**2 + 1e-4) * (variances + 9e-4)))[5:-5, 5:-5])


@pytest.mark.parametrize("channels", [1, 3])
def test_similarity_to_both(channels):
    fused, sources = make(channels)
    expected = np.mean(
        [
            1 - similarity(channel, source)
            for pictures, pair in zip(fused, sources, strict=True)
            for channel in pictures
            for source in pair
        ]
    )
    assert loss_of(BothSimilarityLoss(), fused, sources) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_distance_to_both(channels):
    fused, sources = make(channels)
    expected = sum(np.mean((fused - sources[:, i : i + 1]) ** 2) / 2 for i in (0, 1))
    assert loss_of(BothDistanceLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)


def test_channels_that_differ_cost_more_than_their_mean():
    fused, sources = make(1)
    apart = np.concatenate([fused - 0.2, fused, fused + 0.2], axis=1)
    gain = loss_of(BothDistanceLoss(), apart, sources) - loss_of(BothDistanceLoss(), fused, sources)
    assert gain == pytest.approx(0.08 / 3, rel=1e-3)
