"""The criterion of CMINet against independent computations with NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from mactfusion.losses import MaximumSimilarityLoss, PixelLoss, TextureLoss

SOBEL = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4


def make(seed=0, size=(40, 48)):
    """A fused picture near both sources that leaves [0, 1], and the sources."""
    noise = np.random.default_rng(seed).standard_normal((2, 3, *size))
    smooth = ndimage.gaussian_filter(noise, (0, 0, 1.5, 1.5))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    sources = smooth[:, :2]
    return 1.3 * sources.mean(axis=1, keepdims=True) - 0.2 + 0.2 * smooth[:, 2:], sources


def loss_of(term, fused, sources):
    value = term(torch.from_numpy(fused).float(), torch.from_numpy(sources).float())
    assert value.shape == ()
    return float(value)


def similarity(fused, source):
    """SSIM map of two pictures (H, W), by the definition with weighted covariances."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2

    def mean(image):
        return signal.convolve2d(image, window, mode="valid")

    a, b = mean(fused), mean(source)
    var_a, var_b, cov = (
        mean(fused**2) - a**2,
        mean(source**2) - b**2,
        mean(fused * source) - a * b,
    )
    return ((2 * a * b + 1e-4) * (2 * cov + 9e-4)) / ((a**2 + b**2 + 1e-4) * (var_a + var_b + 9e-4))


def gradient(image):
    """|Gx| + |Gy| of one picture, the border mirrored without repeating it."""
    return sum(
        np.abs(ndimage.correlate(image, kernel, mode="mirror")) for kernel in (SOBEL, SOBEL.T)
    )


def test_maximum_similarity():
    fused, sources = make()
    maps = [similarity(f[0], s.max(axis=0)) for f, s in zip(fused, sources, strict=True)]
    actual = loss_of(MaximumSimilarityLoss(), fused, sources)
    assert actual == pytest.approx(1 - np.mean(maps), abs=1e-4)


def test_texture():
    fused, sources = make()
    errors = [
        gradient(f[0]) - np.maximum(gradient(s[0]), gradient(s[1]))
        for f, s in zip(fused, sources, strict=True)
    ]
    actual = loss_of(TextureLoss(), fused, sources)
    assert actual == pytest.approx(np.mean(np.square(errors)), rel=1e-4)


def test_a_step_has_a_gradient_of_one():
    step = np.zeros((1, 2, 16, 16))
    step[..., 8:] = 1
    # Two columns see the step; the fused picture shows nothing of it.
    assert loss_of(TextureLoss(), np.zeros((1, 1, 16, 16)), step) == pytest.approx(2 / 16)


def test_pixel():
    fused, sources = make()
    expected = sum(np.mean((fused[:, 0] - sources[:, i]) ** 2) for i in (0, 1))
    assert loss_of(PixelLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)
