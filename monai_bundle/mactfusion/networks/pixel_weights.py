"""How much of each source to take, pixel by pixel: the project's own network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.networks.blank import keep_blank

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = 16
"""As many single-precision values as the widest registers of a processor hold."""

DILATIONS = (1, 2, 4, 8, 4, 2, 1)
"""Distance, in pixels, of the taps of each convolution between the first and the last."""


class PixelWeights(nn.Module):
    """Nine 3×3 convolutions that weigh the two sources for every pixel.

    ``fused = w₁·anatomical + w₂·partner``; nothing else is added, so every brightness of the result
    comes from a source at the same place. The weights may be negative, and need not add up to 1.

    All convolutions run on every pixel, at full size. Nothing depends on where a window or a block
    begins: sources that are moved give the same result, moved, but for pixels that lie within 24 of
    the edge of the slice. A pixel sees the 49×49 pixels around it and no statistics of the slice.

    Contract as for :class:`~mactfusion.networks.mactfusion.MACTFusion`. The network is this
    project's; no paper reports it.

    Args:
        channels: of every convolution but the last. Other sizes than the default's are for
            comparisons (docs/training.md); weight files hold the default's.
        dilations: one for each convolution between the first and the last.
    """

    def __init__(self, channels: int = CHANNELS, dilations: Sequence[int] = DILATIONS) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, channels, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
            for dilation in dilations
        )
        self.last = nn.Conv2d(channels, 2, 3, padding=1)
        # At first a plain sum, brighter than the average of both.
        weight, bias = self.last.parameters()
        nn.init.zeros_(weight)
        nn.init.constant_(bias, 0.7)
        # Values of one pixel side by side: a processor takes about half of the time.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Tensor) -> Tensor:
        """Fuse ``(B, 2, H, W)`` to ``(B, 1, H, W)``."""
        weighted = (self.weights(image) * image).sum(dim=1, keepdim=True)
        return keep_blank(weighted, image)

    def weights(self, image: Tensor) -> Tensor:
        """Weigh ``(B, 2, H, W)``: ``(B, 2, H, W)``, that of the anatomical source first."""
        features = activate(self.first(image.contiguous(memory_format=torch.channels_last)))
        for layer in self.body:
            seen = activate(layer(features))
            # In training the activation is still needed as it is.
            features = seen + features if torch.is_grad_enabled() else seen.add_(features)
        return self.last(features)


def activate(features: Tensor) -> Tensor:
    """Leaky ReLU with a slope of 0.1, in place."""
    return functional.leaky_relu_(features, 0.1)
