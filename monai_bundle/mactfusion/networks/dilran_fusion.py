"""Rules that fuse the features of two images; none has parameters.

Each takes the features of the two images, ``(B, C, H, W)`` both, looks at each pair of a batch by
itself, and returns features of the same shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Addition(nn.Module):
    """``F₁ + F₂``."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse two ``(B, C, H, W)``."""
        return first + second


class ElementEnergy(nn.Module):
    """FER: each element counts by its own energy, ``F₁²/(F₁² + F₂²)``.

    Where both energies vanish the published code divides by 1, and both weights are 0.
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse two ``(B, C, H, W)``."""
        energies = first.float().square(), second.float().square()
        total = energies[0] + energies[1]
        total = torch.where(total == 0, torch.ones_like(total), total)
        return energies[0] / total * first + energies[1] / total * second


class WeightedMean(nn.Module):
    """``w·F₁ + (1 − w)·F₂`` with one weight for each pair of images."""

    def weight(self, first: Tensor, second: Tensor) -> Tensor:
        """Weight ``(B,)`` of the first of two ``(B, C, H, W)``, 0 to 1, in float32."""
        raise NotImplementedError

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse two ``(B, C, H, W)``."""
        weight = self.weight(first, second)[:, None, None, None]
        return weight * first + (1 - weight) * second


class Average(WeightedMean):
    """``½·F₁ + ½·F₂``."""

    def weight(self, first: Tensor, second: Tensor) -> Tensor:  # noqa: ARG002
        """One half ``(B,)``."""
        return torch.full((len(first),), 0.5, device=first.device)


class AbsoluteSum(WeightedMean):
    """FL1N: ``w = ‖F₁‖₁ / (‖F₁‖₁ + ‖F₂‖₁)``, the norms being sums of absolute values."""

    def weight(self, first: Tensor, second: Tensor) -> Tensor:
        """Weight ``(B,)`` of the first of two ``(B, C, H, W)``."""
        norms = [features.float().abs().sum(dim=(1, 2, 3)) for features in (first, second)]
        return share(*norms)


class SoftmaxNuclearNormMaximum(WeightedMean):
    """SFNN, the published rule: ``w = m₁² / (m₁² + m₂²)``.

    m is the largest of the nuclear norms of an image's channels after a softmax over channels.
    """

    def weight(self, first: Tensor, second: Tensor) -> Tensor:
        """Weight ``(B,)`` of the first of two ``(B, C, H, W)``."""
        largest = [softmax_nuclear_norms(features).amax(dim=1) for features in (first, second)]
        return share(largest[0].square(), largest[1].square())


class SoftmaxNuclearNormMean(WeightedMean):
    """SFNN with the mean over the channels: ``w = m₁ / (m₁ + m₂)``."""

    def weight(self, first: Tensor, second: Tensor) -> Tensor:
        """Weight ``(B,)`` of the first of two ``(B, C, H, W)``."""
        return share(*(softmax_nuclear_norms(features).mean(dim=1) for features in (first, second)))


RULES: dict[str, type[nn.Module]] = {
    "sfnn_max": SoftmaxNuclearNormMaximum,
    "sfnn_mean": SoftmaxNuclearNormMean,
    "average": Average,
    "addition": Addition,
    "fl1n": AbsoluteSum,
    "fer": ElementEnergy,
}


def softmax_nuclear_norms(features: Tensor) -> Tensor:
    """Nuclear norm ``(B, C)`` of each channel of ``(B, C, H, W)`` after a softmax over channels.

    It is the sum of the singular values; the vectors are not computed.
    """
    return torch.linalg.svdvals(features.float().softmax(dim=1)).sum(dim=-1)


def share(first: Tensor, second: Tensor) -> Tensor:
    """``first / (first + second)`` of two that are not negative; one half where both are 0."""
    total = first + second
    return torch.where(total == 0, torch.full_like(total, 0.5), first / total)
