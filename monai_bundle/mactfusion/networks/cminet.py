"""CMINet: cross-modality interaction network for medical image fusion, a reconstruction.

The paper is in IEEE Transactions on Consumer Electronics, 2024. Neither its code nor its full
text was at hand: the network follows a published summary of it, and what the summary leaves open
is this project's choice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.errors import InputError
from mactfusion.networks.blank import keep_blank
from mactfusion.networks.gated_dual_attention import ChannelAttention, GatedDualAttention
from mactfusion.networks.padding import crop, pad_to_multiple
from mactfusion.networks.recursive_transformer import PATCH, RecursiveTransformer

LEVELS = 3
"""Pairs of local feature extraction and channel attention."""

MODULES = ("both", "intra", "inter")


class LocalFeatureExtraction(nn.Module):
    """LFE: three densely connected convolutions, each with a GDA unit, and a local residual."""

    def __init__(self, channels: int = 32, growth: int = 16) -> None:
        super().__init__()
        widths = [channels + step * growth for step in range(4)]
        self.conv = nn.ModuleList(nn.Conv2d(width, growth, 3, padding=1) for width in widths[:-1])
        self.gda = nn.ModuleList(GatedDualAttention(growth) for _ in self.conv)
        self.fuse = nn.Conv2d(widths[-1], channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Refine ``(B, 32, H, W)``."""
        dense = features
        for conv, gda in zip(self.conv, self.gda, strict=True):
            grown = gda(functional.leaky_relu(conv(dense), 0.2))
            dense = torch.cat([dense, grown], dim=1)
        return features + self.fuse(dense)


def interleave(features: Tensor) -> Tensor:
    """Shuffle the channels of ``(B, C, H, W)``: of each half in turn, so that the halves mix."""
    return features.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


class CMINet(nn.Module):
    """Fuse an anatomical slice with its partner's luminance. A reconstruction, not the authors'.

    Stated by the summary: two transformer branches whose block is applied recursively (twice
    works best), a head, an interactive CNN of three parameter-sharing LFE and CA pairs, a tail;
    what LFE, GDA and GADN are made of. Chosen here: all widths, patches of 4×4 pixels, that each
    LFE is shared by two halves of the channels that are shuffled in between, the formula of GADN,
    the layers of head and tail. No figure that the paper reports is about this network.

    Contract as for :class:`~mactfusion.networks.mactfusion.MACTFusion`; the result lies in
    [0, 1]. The slice is padded to a multiple of 4. Attention is over all patches of the slice, so
    time grows with the square of its area, memory with its area.

    Args:
        recursions: times the shared transformer block is applied; any number has the same
            weights.
        modules: "both"; for the ablations "intra" (transformers only, the interactive CNN passes
            on what it gets) or "inter" (CNN only, a convolution in place of each transformer).

    Raises:
        InputError: an option has no such value.
    """

    def __init__(self, recursions: int = 2, modules: str = "both") -> None:
        super().__init__()
        if modules not in MODULES:
            raise InputError(f"Unknown modules '{modules}': choose {', '.join(MODULES)}.")
        if recursions < 1:
            raise InputError(f"The number of recursions must be 1 or more, not {recursions}.")

        def branch() -> nn.Module:
            if modules == "inter":
                return nn.Conv2d(1, 16, 3, padding=1)
            return RecursiveTransformer(recursions)

        self.a = branch()
        self.b = branch()
        self.head = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), nn.LeakyReLU(0.2))
        levels = 0 if modules == "intra" else LEVELS
        self.lfe = nn.ModuleList(LocalFeatureExtraction() for _ in range(levels))
        self.ca = nn.ModuleList(ChannelAttention(64, reduction=8) for _ in range(levels))
        self.tail = nn.Sequential(
            nn.Conv2d(64, 32, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 1, 3, padding=1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Fuse ``(B, 2, H, W)`` to ``(B, 1, H, W)``."""
        height, width = image.shape[-2:]
        anatomical, partner = pad_to_multiple(image, PATCH).split(1, dim=1)
        shallow = self.head(torch.cat([self.a(anatomical), self.b(partner)], dim=1))
        fused = (torch.tanh(self.tail(self.interact(shallow))) + 1) / 2
        return keep_blank(crop(fused, height, width), image)

    def interact(self, shallow: Tensor) -> Tensor:
        """Interactive CNN: refine ``(B, 64, H, W)``, both halves by the same LFE at each level."""
        if not self.lfe:
            return shallow
        features = shallow
        for level, (lfe, ca) in enumerate(zip(self.lfe, self.ca, strict=True), start=1):
            features = ca(torch.cat([lfe(half) for half in features.chunk(2, dim=1)], dim=1))
            if level < LEVELS:
                features = interleave(features)
        return features + shallow
