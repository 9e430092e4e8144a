"""The grey part of MsgFusion's second branch: a cascade over two scales that re-uses its blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvolutionBlock(nn.Module):
    """CB: 3×3 convolution with a repeated border, batch normalisation, ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = published_convolution(in_channels, out_channels, 3)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve ``(B, C_in, H, W)`` to ``(B, C_out, H, W)``."""
        return functional.relu(self.bn(self.conv(features)))


def published_convolution(in_channels: int, out_channels: int, size: int) -> nn.Conv2d:
    """Convolution without bias, its border repeated, with the published normal initialisation."""
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        size,
        padding=size // 2,
        padding_mode="replicate",
        bias=False,
    )
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


class GreyCascade(nn.Module):
    """GV1 from the partner's grey slice; the blocks bear the numbers of the published code.

    A block that appears twice is the same block, with its normalisation. The authors take conv1
    from a ResNet-101 trained on ImageNet and freeze it; here it trains like the others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = published_convolution(3, 64, 7)
        self.conv2 = ConvolutionBlock(64, 64)
        self.conv3 = ConvolutionBlock(64, 128)
        self.conv4 = ConvolutionBlock(128, 256)
        self.conv5 = ConvolutionBlock(256, 64)
        self.conv7 = ConvolutionBlock(256, 256)
        self.conv8 = ConvolutionBlock(256, 128)
        self.conv9 = ConvolutionBlock(128, 64)
        self.conv10 = ConvolutionBlock(192, 128)
        self.conv11 = ConvolutionBlock(384, 256)

    def forward(self, partner: Tensor) -> Tensor:
        """Extract ``(B, 64, H, W)`` in [0, 1) from ``(B, 3, H, W)``; H and W are even."""
        first = self.conv1(partner)
        scales = self._two_scales(first)
        skips = self._skips(first)
        return torch.tanh(self.conv2(self.conv9(torch.cat([skips, scales], dim=1))))

    def _two_scales(self, first: Tensor) -> Tensor:
        """Features of the halved and of the full size, the larger of both; 64 channels."""
        half = functional.max_pool2d(first, 2)
        half2 = self.conv2(half)
        half3 = self.conv3(half2)
        halves = torch.cat([half3, half, half2], dim=1)
        coarse = self.conv7(functional.interpolate(halves, scale_factor=2.0, mode="nearest"))
        fine = self.conv4(self.conv3(self.conv2(first)))
        larger = self.conv5(torch.maximum(coarse, fine))
        reduced = self.conv9(self.conv8(coarse))
        refined = self.conv9(torch.cat([reduced, larger], dim=1))
        return self.conv9(torch.cat([refined, larger], dim=1))

    def _skips(self, first: Tensor) -> Tensor:
        """Three convolutions of the full size, each given also what the one before it got."""
        narrow = self.conv2(first)
        middle = self.conv3(self.conv9(torch.cat([first, narrow], dim=1)))
        wide = self.conv4(self.conv10(torch.cat([narrow, middle], dim=1)))
        return self.conv5(self.conv11(torch.cat([middle, wide], dim=1)))
