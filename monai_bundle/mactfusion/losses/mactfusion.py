"""The published criterion of MACTFusion.

It is ``20 * IntensityLoss + 10 * GradientMagnitudeLoss + 10 * LegacyMultiScaleSimilarityLoss``.
The slides of the paper print another form of it, ``configs/train_slides.yaml``: the absolute
distance, :class:`AbsoluteIntensityLoss`, and plain SSIM,
:class:`~mactfusion.losses.BothSimilarityLoss`.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mactfusion.losses.windows import gaussian_window, sobel, structural_similarity

WANG_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Wang, Simoncelli, Bovik 2003: weights of the five scales of MS-SSIM."""


class IntensityLoss(nn.Module):
    """Mean squared distance to the brighter source, ``mean (f − max(a, b))²``.

    The published code squares; the paper's text has :class:`AbsoluteIntensityLoss`.
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""
        return functional.mse_loss(pred, sources.amax(dim=1, keepdim=True))


class AbsoluteIntensityLoss(nn.Module):
    """Mean absolute distance to the brighter source, ``mean |f − max(a, b)|``, as in the slides."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""
        return functional.l1_loss(pred, sources.amax(dim=1, keepdim=True))


class GradientMagnitudeLoss(nn.Module):
    """Published: ``mean |S(f) − max(S(a), S(b))|`` with ``S = |Sobel_x| + |Sobel_y|``."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""

        def magnitude(image: Tensor) -> Tensor:
            horizontal, vertical = sobel(image)
            return horizontal.abs() + vertical.abs()

        return functional.l1_loss(magnitude(pred), magnitude(sources).amax(dim=1, keepdim=True))


class LegacyMultiScaleSimilarityLoss(nn.Module):
    """Published: ``1 − ½ MS(f, a) − ½ MS(f, b)`` with a particular variant of MS-SSIM.

    Five levels with 2×2 means between them; at a level with an edge under 11 pixels the window
    shrinks to that edge. Luminance and contrast terms are rescaled by (v + 1) / 2. The value range
    is guessed from the fused slice (255 if its maximum exceeds 128, else 1; plus 1 if its minimum
    is under −0.5). The similarity of the last level enters four times instead of once, a slip of
    the library that the authors used; it is kept because it made the published weights. Slices
    need 16 pixels along each edge.
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) to 1."""
        first, second = sources.split(1, dim=1)
        return 1 - 0.5 * self._similarity(pred, first) - 0.5 * self._similarity(pred, second)

    @staticmethod
    def _similarity(fused: Tensor, source: Tensor) -> Tensor:
        top = 255.0 if fused.max() > 128 else 1.0
        bottom = -1.0 if fused.min() < -0.5 else 0.0
        c1, c2 = (0.01 * (top - bottom)) ** 2, (0.03 * (top - bottom)) ** 2
        similarities, contrasts = [], []
        for level in range(len(WANG_WEIGHTS)):
            if level:
                fused, source = functional.avg_pool2d(fused, 2), functional.avg_pool2d(source, 2)
            window = gaussian_window(min(11, *fused.shape[-2:]))
            similarity, contrast = structural_similarity(fused, source, window, c1, c2)
            similarities.append((similarity.mean() + 1) / 2)
            contrasts.append((contrast.mean() + 1) / 2)
        result = similarities[-1] ** (4 * WANG_WEIGHTS[-1])
        for contrast, weight in zip(contrasts[:-1], WANG_WEIGHTS[:-1], strict=True):
            result = result * contrast**weight
        return result
