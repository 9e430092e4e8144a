"""Smooth pictures, and the criteria' building blocks worked out with NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage, signal

SOBEL = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])


def smooth_noise(shape, seed):
    """Smooth pictures with structure on all scales, in [0, 1]."""
    rng = np.random.default_rng(seed)
    noise = sum(
        sigma * ndimage.gaussian_filter(rng.standard_normal(shape), (0, 0, sigma, sigma))
        for sigma in (0.7, 2, 6)
    )
    return (noise - noise.min()) / np.ptp(noise)


def make(size=(40, 48), batch=2):
    """A fused picture that is near both sources and leaves [0, 1], and the sources."""
    sources = smooth_noise((batch, 2, *size), 1)
    fused = 1.3 * sources.mean(axis=1, keepdims=True) - 0.2
    return fused + 0.4 * smooth_noise((batch, 1, *size), 2), sources


def loss_of(term, fused, sources):
    value = term(torch.from_numpy(fused).float(), torch.from_numpy(sources).float())
    assert value.shape == ()
    return float(value)


def derivatives(image):
    """Both Sobel derivatives of (B, C, H, W) with zeros outside."""
    return [
        ndimage.correlate(image, kernel[None, None], mode="constant") for kernel in (SOBEL, SOBEL.T)
    ]


def windowed(image, taps):
    """Local mean of (H, W), only where the whole window fits."""
    return signal.convolve2d(image, np.outer(taps, taps)[::-1, ::-1], mode="valid")


def gaussian(size):
    # The published library centres at size // 2, also where the size is even.
    taps = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * 1.5**2))
    return taps / taps.sum()


def similarity_maps(a, b, taps, value_range):
    """SSIM and its contrast-structure term of two pictures."""
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    mean_a, mean_b = windowed(a, taps), windowed(b, taps)
    var_a = windowed(a * a, taps) - mean_a**2
    var_b = windowed(b * b, taps) - mean_b**2
    covariance = windowed(a * b, taps) - mean_a * mean_b
    contrast = (2 * covariance + c2) / (var_a + var_b + c2)
    return (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1) * contrast, contrast


def halved(image):
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    image = image[:rows, :columns]
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4
