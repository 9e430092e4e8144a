"""Local means, derivatives and structural similarity that several criteria share."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def gaussian_window(size: int, sigma: float = 1.5) -> Tensor:
    """Normalised one-dimensional Gaussian of ``size`` taps."""
    ticks = torch.arange(size, dtype=torch.float32) - size // 2
    window = torch.exp(-ticks.square() / (2 * sigma**2))
    return window / window.sum()


def gaussian_mean(image: Tensor, window: Tensor) -> Tensor:
    """Weighted local mean of ``(B, C, H, W)``, "valid" border, one channel at a time."""
    channels = image.shape[1]
    kernel = window.to(image).expand(channels, 1, -1)
    image = functional.conv2d(image, kernel[..., None], groups=channels)
    return functional.conv2d(image, kernel[:, :, None], groups=channels)


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical derivative of ``(B, C, H, W)``: integer 3×3 kernels, zero pad."""
    channels = image.shape[1]
    kernel = image.new_tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])

    def derivative(weight: Tensor) -> Tensor:
        return functional.conv2d(
            image, weight.expand(channels, 1, 3, 3), padding=1, groups=channels
        )

    return derivative(kernel), derivative(kernel.T)


def structural_similarity(
    fused: Tensor, source: Tensor, window: Tensor, c1: float, c2: float
) -> tuple[Tensor, Tensor]:
    """SSIM map and its contrast-structure part (Wang 2004), "valid" border, ``(B, C, H', W')``."""
    mean_fused, mean_source = gaussian_mean(fused, window), gaussian_mean(source, window)
    variance_fused = gaussian_mean(fused.square(), window) - mean_fused.square()
    variance_source = gaussian_mean(source.square(), window) - mean_source.square()
    covariance = gaussian_mean(fused * source, window) - mean_fused * mean_source
    contrast = (2 * covariance + c2) / (variance_fused + variance_source + c2)
    luminance = (2 * mean_fused * mean_source + c1) / (
        mean_fused.square() + mean_source.square() + c1
    )
    return luminance * contrast, contrast
