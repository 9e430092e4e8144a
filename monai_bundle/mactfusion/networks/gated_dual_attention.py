"""The gated dual attention of CMINet: where, which channel, and a gate for each channel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ChannelAttention(nn.Module):
    """CA: weigh each channel by two 1×1 convolutions over the means of all channels."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Weigh ``(B, C, H, W)``."""
        squeezed = functional.relu(self.fc1(features.mean(dim=(2, 3), keepdim=True)))
        return features * torch.sigmoid(self.fc2(squeezed))


class SpatialAttention(nn.Module):
    """SA: weigh each position by a 7×7 convolution over the mean and maximum of the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, features: Tensor) -> Tensor:
        """Weigh ``(B, C, H, W)``."""
        mean, highest = features.mean(1, keepdim=True), features.amax(1, keepdim=True)
        return features * torch.sigmoid(self.conv(torch.cat([mean, highest], dim=1)))


class GatedAdaptiveDualNormalization(nn.Module):
    """GADN: a gate for each channel, by its energy relative to that of the other channels.

    ``g = α·sqrt(Σ t² + ε)`` over positions, ``n = g / sqrt(mean g² + ε)`` over channels, and the
    result is ``t·(1 + tanh(γ·n + β))``: at the start, where α = 1 and β = γ = 0, it is t itself.
    The formula is that of the gated channel transformation (Yang et al., CVPR 2020).
    """

    EPSILON = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Gate ``(B, C, H, W)``."""
        # A sum over a whole slice is more than half precision can hold.
        energy = features.float().square().sum(dim=(2, 3), keepdim=True)
        strength = self.alpha * (energy + self.EPSILON).sqrt()
        level = (strength.square().mean(dim=1, keepdim=True) + self.EPSILON).sqrt()
        gate = 1 + torch.tanh(self.gamma * strength / level + self.beta)
        return features * gate.to(features.dtype)


class GatedDualAttention(nn.Module):
    """GDA: three parallel views of the features (SA, CA, GADN), merged, with a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inp = nn.Conv2d(channels, channels, 1)
        self.sa = SpatialAttention()
        self.ca = ChannelAttention(channels, reduction=4)
        self.gadn = GatedAdaptiveDualNormalization(channels)
        self.out = nn.Conv2d(3 * channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Refine ``(B, C, H, W)``."""
        inner = self.inp(features)
        views = torch.cat([self.sa(inner), self.ca(inner), self.gadn(inner)], dim=1)
        return features + self.out(views)
