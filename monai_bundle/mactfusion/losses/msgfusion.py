"""The published criterion of MsgFusion.

It is ``0.8 * BothSimilarityLoss + 0.2 * BothDistanceLoss``. The network has three output channels,
each of which is compared with both sources: in training ``pred`` may be ``(B, 3, H, W)``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mactfusion.losses.windows import gaussian_window, structural_similarity


class BothSimilarityLoss(nn.Module):
    """``½(1 − SSIM(f, a)) + ½(1 − SSIM(f, b))``: Gaussian of 11 pixels, no padding, range 1."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, C, H, W)``, any C, with ``(B, 2, H, W)``; range 0 (best) to 2."""
        window = gaussian_window(11)
        similarities = [
            structural_similarity(pred, source.expand_as(pred), window, 0.01**2, 0.03**2)[0].mean()
            for source in sources.split(1, dim=1)
        ]
        return 1 - torch.stack(similarities).mean()


class BothDistanceLoss(nn.Module):
    """``½ mean (f − a)² + ½ mean (f − b)²``."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, C, H, W)``, any C, with ``(B, 2, H, W)``; range 0 (best) upwards."""
        distances = [(pred - source).square().mean() for source in sources.split(1, dim=1)]
        return torch.stack(distances).mean()
