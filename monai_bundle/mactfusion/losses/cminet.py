"""The published criterion of CMINet.

It is ``10 * MaximumSimilarityLoss + 100 * TextureLoss + 1 * PixelLoss``. The forms and weights are
the paper's, as its summary states them; window, scale of the Sobel kernels and the mean over the
slice are this project's choice.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mactfusion.losses.windows import gaussian_window, sobel, structural_similarity


class MaximumSimilarityLoss(nn.Module):
    """L_SSIM: ``1 − SSIM(f, max(a, b))``; Gaussian window of 11 pixels, no padding, range 1."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) to 2."""
        brighter = sources.amax(dim=1, keepdim=True)
        similarity, _ = structural_similarity(pred, brighter, gaussian_window(11), 0.01**2, 0.03**2)
        return 1 - similarity.mean()


class TextureLoss(nn.Module):
    """L_TEX: ``mean (∇f − max(∇a, ∇b))²`` with ``∇ = |Gx| + |Gy|``, Sobel kernels over 4.

    So divided, a step of 1 has a gradient of 1; with integer kernels the term would outweigh the
    others. The border is mirrored. The paper's norm is neither squared nor a mean, and would grow
    with the slice.
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""
        strongest = gradient_magnitude(sources).amax(dim=1, keepdim=True)
        return functional.mse_loss(gradient_magnitude(pred), strongest)


class PixelLoss(nn.Module):
    """L_PIX: sum of the mean squared distances to both sources."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""
        first, second = sources.split(1, dim=1)
        return functional.mse_loss(pred, first) + functional.mse_loss(pred, second)


def gradient_magnitude(image: Tensor) -> Tensor:
    """``|Gx| + |Gy|`` of ``(B, C, H, W)``, mirrored border, 1 at a step from 0 to 1."""
    horizontal, vertical = sobel(functional.pad(image, (1, 1, 1, 1), mode="reflect"))
    return ((horizontal.abs() + vertical.abs()) / 4)[..., 1:-1, 1:-1]
