"""MACTFusion on the halved slice, with a direct path from the inputs to the output."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.networks.attention import SIDE
from mactfusion.networks.blank import keep_blank
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.padding import crop, pad_to_multiple

HALF = 2
"""How many pixels of the slice, along each edge, the published graph sees as one."""


class DirectPath(nn.Module):
    """Five 3×3 convolutions that say, pixel by pixel, how much of each input to take.

    They see the inputs themselves, at their own brightness, beside what the decoder knows. The
    result is ``weight₁·anatomical + weight₂·partner + rest``; the last convolution starts at zero.

    Args:
        context: number of channels of the decoder's features.
        channels: number of channels between the convolutions.
    """

    def __init__(self, context: int = 32, channels: int = 32) -> None:
        super().__init__()
        widths = [2 + context, *[channels] * 4, 3]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, padding_mode="reflect")
            for before, after in pairwise(widths)
        )
        for parameter in self.layers[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, image: Tensor, context: Tensor) -> Tensor:
        """Mix ``(B, 2, H, W)`` with the help of ``(B, context, H, W)`` to ``(B, 1, H, W)``."""
        features = torch.cat([image, context], dim=1)
        for layer in self.layers[:-1]:
            features = functional.leaky_relu(layer(features), 0.1)
        weights, rest = self.layers[-1](features).split((2, 1), dim=1)
        return (weights * image).sum(dim=1, keepdim=True) + rest


class MACTFusionPlus(MACTFusion):
    """MACTFusion of the halved slice, enlarged again, plus a direct path at full size.

    The published graph standardises its inputs in the first layer and never sees their absolute
    brightness again; every edge of the result is decoded from features that are cut into windows.
    Here the same graph fuses what can be seen at half the size, which is the larger part of what
    it is good for and a quarter of the work, and :class:`DirectPath` takes edges and brightness
    from the inputs.

    Contract as for :class:`~mactfusion.networks.mactfusion.MACTFusion`. The variant is this
    project's; nothing that the paper reports is about it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.direct = DirectPath()

    def forward(self, image: Tensor, seen: Tensor | None = None) -> Tensor:
        """Fuse ``(B, 2, H, W)`` to ``(B, 1, H, W)``.

        Args:
            image: the pairs.
            seen: what :meth:`look` gives for them, where it is known: the last part of a training
                changes the direct path alone.
        """
        height, width = image.shape[-2:]
        padded = pad_to_multiple(image, HALF * SIDE)
        seen = self.look(image) if seen is None else seen
        coarse, context = pad_to_multiple(seen, HALF * SIDE).tensor_split((1,), dim=1)
        fused = coarse + self.direct(padded, context)
        return keep_blank(crop(fused, height, width), image)

    def look(self, image: Tensor) -> Tensor:
        """Fuse the halved slices and enlarge the result and the decoder's features.

        Args:
            image: ``(B, 2, H, W)``.

        Returns:
            ``(B, 33, H, W)``, the result first.
        """
        height, width = image.shape[-2:]
        halved = functional.avg_pool2d(pad_to_multiple(image, HALF * SIDE), HALF)
        decoded = self.reconstruction.decode(self.fused_features(halved))
        coarse = functional.leaky_relu(self.reconstruction.layers[-1](decoded), 0.1)
        seen = torch.cat([coarse, decoded], dim=1)
        enlarged = functional.interpolate(seen, scale_factor=HALF, mode="bilinear")
        return crop(enlarged, height, width)
