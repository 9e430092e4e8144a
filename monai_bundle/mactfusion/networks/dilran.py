"""DILRAN: attention-based multi-scale feature learning for multimodal medical image fusion.

Zhou, Xu and Zhang 2022, arXiv:2212.04661 (dilated residual attention network). The graph is that
of the authors' published network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.errors import InputError
from mactfusion.networks.blank import keep_blank
from mactfusion.networks.dilran_fusion import RULES
from mactfusion.networks.padding import crop, pad_to_multiple


def pixel_attention(features: Tensor) -> Tensor:
    """``ReLU`` of the 2×2 means of ``(B, C, H, W)``, spread over the pixels again; H, W even."""
    pooled = functional.relu(functional.avg_pool2d(features, 2))
    return functional.interpolate(pooled, scale_factor=2.0, mode="nearest")


class FeatureExtraction(nn.Module):
    """Multi-scale dilated convolutions, refined by dilated residual attention.

    The only activation is the ReLU of :func:`pixel_attention`. The two normalisations share their
    parameters, the three convolutions of the attention are one, both as published. Each image is
    normalised with its own statistics: those that the authors' file carries are averages over two
    different uses, and their program never uses them.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.expand = nn.Conv2d(1, channels, 1)
        self.dilated = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
            for dilation in (1, 3, 5)
        )
        self.reduce = nn.Conv2d(3 * channels, channels, 1)
        self.norm = nn.InstanceNorm2d(channels, affine=True)
        self.attention = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Extract ``(B, 64, H, W)`` from ``(B, 1, H, W)``; H and W are even."""
        shallow = image + pixel_attention(image) * self.expand(image)
        scales = torch.cat([conv(shallow) for conv in self.dilated], dim=1)
        deep = self.norm(self.reduce(scales))
        deep = self.norm(deep + pixel_attention(deep) * self._attend(deep))
        return shallow + pixel_attention(shallow) * deep

    def _attend(self, features: Tensor) -> Tensor:
        """Sum of one, two and three passes: views of 3, 5 and 7 pixels."""
        once = self.attention(features)
        twice = self.attention(once)
        return once + twice + self.attention(twice)


class DILRAN(nn.Module):
    """Fuse an anatomical slice with its partner's luminance: an auto-encoder with a rule inside.

    Contract as for :class:`~mactfusion.networks.mactfusion.MACTFusion`. One extractor serves both
    images; a rule without parameters fuses their features. An odd edge is padded by its last
    pixel and cropped again. The published rule needs the singular values of 128 matrices of the
    slice's size, which takes a good part of the time.

    In training mode (``network.train()``) there is no rule to learn: ``(B, 2, H, W)`` is two
    images each, and the result is their reconstructions ``(B, 2, H, W)``.

    Args:
        rule: one of :data:`~mactfusion.networks.dilran_fusion.RULES`; ``sfnn_max`` is published.

    Raises:
        InputError: there is no such rule.
    """

    def __init__(self, rule: str = "sfnn_max") -> None:
        super().__init__()
        if rule not in RULES:
            raise InputError(f"Unknown fusion rule '{rule}': choose {', '.join(RULES)}.")
        self.features = FeatureExtraction()
        self.rule = RULES[rule]()
        self.reconstruction = nn.Sequential(
            nn.Conv2d(64, 64, 3, padding=1),
            nn.Conv2d(64, 32, 3, padding=1),
            nn.Conv2d(32, 1, 3, padding=1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Fuse ``(B, 2, H, W)`` to ``(B, 1, H, W)``; in training reconstruct ``(B, 2, H, W)``."""
        if self.training:
            return self.reconstruct(image)
        height, width = image.shape[-2:]
        anatomical, partner = pad_to_multiple(image, 2, mode="replicate").split(1, dim=1)
        features = self.rule(self.features(anatomical), self.features(partner))
        return keep_blank(crop(self.reconstruction(features), height, width), image)

    def reconstruct(self, image: Tensor) -> Tensor:
        """Encode and decode each channel of ``(B, C, H, W)`` by itself."""
        height, width = image.shape[-2:]
        single = pad_to_multiple(image, 2, mode="replicate").flatten(0, 1)[:, None]
        decoded = self.reconstruction(self.features(single))
        pairs = decoded.view(image.shape[0], image.shape[1], *decoded.shape[-2:])
        return crop(pairs, height, width)
