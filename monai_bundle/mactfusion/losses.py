"""Training criteria: how far a fused slice is from both of its sources.

Every term takes the raw network output ``pred`` ``(B, 1, H, W)`` (not clamped) and ``sources``
``(B, 2, H, W)`` in [0, 1], and returns one number. :class:`FusionLoss` adds them by weight, so
that a training configuration names each term on a line of its own.

The published criterion of MACTFusion is ``20 * IntensityLoss + 10 * GradientMagnitudeLoss +
10 * LegacyMultiScaleSimilarityLoss``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WANG_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Wang, Simoncelli, Bovik 2003: weights of the five scales of MS-SSIM."""


def gaussian_window(size: int, sigma: float = 1.5) -> Tensor:
    """Normalised one-dimensional Gaussian of ``size`` taps."""
    ticks = torch.arange(size, dtype=torch.float32) - size // 2
    window = torch.exp(-ticks.square() / (2 * sigma**2))
    return window / window.sum()


def gaussian_mean(image: Tensor, window: Tensor) -> Tensor:
    """Weighted local mean of ``(B, C, H, W)``, "valid" border, one channel at a time."""
    channels = image.shape[1]
    kernel = window.to(image).expand(channels, 1, -1)
    image = functional.conv2d(image, kernel[..., None], groups=channels)
    return functional.conv2d(image, kernel[:, :, None], groups=channels)


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical derivative of ``(B, C, H, W)``: integer 3×3 kernels, zero pad."""
    channels = image.shape[1]
    kernel = image.new_tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])

    def derivative(weight: Tensor) -> Tensor:
        return functional.conv2d(
            image, weight.expand(channels, 1, 3, 3), padding=1, groups=channels
        )

    return derivative(kernel), derivative(kernel.T)


class IntensityLoss(nn.Module):
    """Mean squared distance to the brighter source, ``mean (f − max(a, b))²``.

    The published code squares; the paper's text has the absolute distance.
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""
        return functional.mse_loss(pred, sources.amax(dim=1, keepdim=True))


class GradientMagnitudeLoss(nn.Module):
    """Published: ``mean |S(f) − max(S(a), S(b))|`` with ``S = |Sobel_x| + |Sobel_y|``."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""

        def magnitude(image: Tensor) -> Tensor:
            horizontal, vertical = sobel(image)
            return horizontal.abs() + vertical.abs()

        return functional.l1_loss(magnitude(pred), magnitude(sources).amax(dim=1, keepdim=True))


class GradientVectorLoss(nn.Module):
    """The gradient of the fused slice equals, with its direction, that of the stronger source.

    ``mean (|∂x f − ∂x s| + |∂y f − ∂y s|)`` where s is, pixel by pixel, the source with the larger
    gradient. A magnitude alone lets an edge flip from bright-dark to dark-bright for free.
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) upwards."""
        horizontal, vertical = sobel(sources)
        stronger = (horizontal.abs() + vertical.abs()).argmax(dim=1, keepdim=True)
        own_horizontal, own_vertical = sobel(pred)
        error = (own_horizontal - horizontal.gather(1, stronger)).abs()
        error = error + (own_vertical - vertical.gather(1, stronger)).abs()
        return error.mean()


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


def structural_similarity(
    fused: Tensor, source: Tensor, window: Tensor, c1: float, c2: float
) -> tuple[Tensor, Tensor]:
    """SSIM map and its contrast-structure part (Wang 2004), "valid" border, ``(B, C, H', W')``."""
    mean_fused, mean_source = gaussian_mean(fused, window), gaussian_mean(source, window)
    variance_fused = gaussian_mean(fused.square(), window) - mean_fused.square()
    variance_source = gaussian_mean(source.square(), window) - mean_source.square()
    covariance = gaussian_mean(fused * source, window) - mean_fused * mean_source
    contrast = (2 * covariance + c2) / (variance_fused + variance_source + c2)
    luminance = (2 * mean_fused * mean_source + c1) / (
        mean_fused.square() + mean_source.square() + c1
    )
    return luminance * contrast, contrast


class WeightedQualityLoss(nn.Module):
    """``1 − Q_w`` (Piella and Heijmans 2003), averaged over the full and the halved size.

    Q_w asks each window to look like the sources in proportion to their local variance, and counts
    a window by the larger of the two variances.
    """

    def __init__(self, scales: int = 2) -> None:
        super().__init__()
        self.scales = scales

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) to 2."""
        window = gaussian_window(11)
        loss = pred.new_zeros(())
        for _ in range(self.scales):
            similarity, _ = structural_similarity(
                pred.expand_as(sources), sources, window, 0.01**2, 0.03**2
            )
            variance = gaussian_mean(sources.square(), window)
            variance = (variance - gaussian_mean(sources, window).square()).clamp_min(0)
            share = (variance + 1e-8) / (variance + 1e-8).sum(dim=1, keepdim=True)
            salience = variance.amax(dim=1, keepdim=True) + 1e-8
            quality = (share * similarity).sum(dim=1, keepdim=True) * salience
            per_slice = quality.sum(dim=(1, 2, 3)) / salience.sum(dim=(1, 2, 3))
            loss = loss + 1 - per_slice.mean()
            pred, sources = functional.avg_pool2d(pred, 2), functional.avg_pool2d(sources, 2)
        return loss / self.scales


class DifferenceCorrelationLoss(nn.Module):
    """``2 − SCD``: what is left after taking one source away correlates with the other.

    SCD = r(f − b, a) + r(f − a, b) with Pearson's r over the slice (Aslantas and Bendes 2015).
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) to 4."""
        # The difference with one source (channels swapped) is compared with the other source.
        difference = (pred - sources.flip(1)).flatten(2)
        source = sources.flatten(2)
        difference = difference - difference.mean(dim=2, keepdim=True)
        source = source - source.mean(dim=2, keepdim=True)
        scale = difference.square().sum(2) * source.square().sum(2)
        correlation = (difference * source).sum(2) / (scale + 1e-8).sqrt()
        return 2 - correlation.sum(dim=1).mean()


class RangeLoss(nn.Module):
    """Mean distance of the values that lie outside [0, 1] to that range."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:  # noqa: ARG002
        """Look at ``(B, 1, H, W)`` alone; range 0 (best) upwards."""
        return (pred - pred.clamp(0, 1)).abs().mean()


class FusionLoss(nn.Module):
    """Weighted sum of terms, in float32 whatever the precision of the network.

    Args:
        terms: one mapping a term, ``{"weight": 5.0, "term": WeightedQualityLoss()}``, so that a
            configuration reads as a list.
    """

    def __init__(self, terms: Sequence[Mapping[str, float | nn.Module]]) -> None:
        super().__init__()
        self.weights = [float(entry["weight"]) for entry in terms]  # type: ignore[arg-type]
        self.terms = nn.ModuleList(entry["term"] for entry in terms)  # type: ignore[misc]

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; one number."""
        pred, sources = pred.float(), sources.float()
        values = [
            weight * term(pred, sources)
            for weight, term in zip(self.weights, self.terms, strict=True)
        ]
        return torch.stack(values).sum()
