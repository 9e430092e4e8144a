"""The project's own criteria: edges with their direction, likeness, differences, range."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.losses.windows import (
    gaussian_window,
    local_mean,
    sobel,
    structural_similarity,
)
from mactfusion.metrics.edge_preservation import (
    DIRECTION_CENTRE,
    DIRECTION_MAXIMUM,
    DIRECTION_SLOPE,
    STRENGTH_CENTRE,
    STRENGTH_MAXIMUM,
    STRENGTH_SLOPE,
)
from mactfusion.metrics.ms_ssim_fusion import LEVEL_WEIGHTS

LIFT = 1e-5
"""Added to squared edge strengths, whose root has no slope at zero. Its own root is a fifth of the
strength of a step by one of 256 grey levels."""


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
            variance = local_mean(sources.square(), window)
            variance = (variance - local_mean(sources, window).square()).clamp_min(0)
            share = (variance + 1e-8) / (variance + 1e-8).sum(dim=1, keepdim=True)
            salience = variance.amax(dim=1, keepdim=True) + 1e-8
            quality = (share * similarity).sum(dim=1, keepdim=True) * salience
            per_slice = quality.sum(dim=(1, 2, 3)) / salience.sum(dim=(1, 2, 3))
            loss = loss + 1 - per_slice.mean()
            pred, sources = functional.avg_pool2d(pred, 2), functional.avg_pool2d(sources, 2)
        return loss / self.scales


class StrongestStructureLoss(nn.Module):
    """``1 − MEF-MS-SSIM``: every patch has the structure of the stronger source at its strength.

    See :func:`mactfusion.metrics.ms_ssim_fusion` for the definition. Every patch counts as much as
    any other, so it is this term that keeps faint tissue and empty background as they are in the
    sources.

    Source: Ma, Zeng and Wang, "Perceptual quality assessment for multi-exposure image fusion",
    IEEE TIP 24(11), 2015.
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0 (best) to 1.

        Slices need 11 pixels along each edge; a level with fewer, of edges below 41, is left out.
        """
        shortest = min(pred.shape[-2:])
        levels = sum(math.ceil(shortest / 2**level) >= 11 for level in range(len(LEVEL_WEIGHTS)))
        weights = LEVEL_WEIGHTS[: max(levels, 1)]
        quality = pred.new_ones(len(pred))
        for exponent in (weights / weights.sum()).tolist():
            score = self._score(pred, sources).mean(dim=(1, 2, 3))
            quality = quality * score.clamp_min(1e-3) ** exponent
            pred, sources = _halved(pred), _halved(sources)
        return 1 - quality.mean()

    @staticmethod
    def _score(fused: Tensor, sources: Tensor) -> Tensor:
        with torch.no_grad():
            factors = _desired_patch(sources)
            window = gaussian_window(11)
            means = local_mean(sources, window)
            variances = local_mean(sources.square(), window) - means.square()
            both = local_mean(sources.prod(dim=1, keepdim=True), window)
            both = both - means.prod(dim=1, keepdim=True)
            desired = (factors.square() * variances).sum(dim=1, keepdim=True)
            desired = desired + 2 * factors.prod(dim=1, keepdim=True) * both
        mean = local_mean(fused, window)
        variance = local_mean(fused.square(), window) - mean.square()
        covariances = local_mean(fused * sources, window) - mean * means
        covariance = (factors * covariances).sum(dim=1, keepdim=True)
        contrast = 0.03**2
        return (2 * covariance + contrast) / (desired.clamp_min(0) + variance + contrast)


def _halved(image: Tensor) -> Tensor:
    """Return the means of 2×2 blocks; an odd last row or column is repeated."""
    height, width = image.shape[-2:]
    even = functional.pad(image, (0, width % 2, 0, height % 2), mode="replicate")
    return functional.avg_pool2d(even, 2)


def _desired_patch(sources: Tensor) -> Tensor:
    """Return the share of each centred source in the desired patch, ``(B, 2, H − 10, W − 10)``."""
    patch = sources.new_full((11,), 1 / 11)

    def centred(products: Tensor, means: Tensor) -> Tensor:
        return local_mean(products, patch) - means

    means = local_mean(sources, patch)
    energies = centred(sources.square(), means.square()).clamp_min(0) + 1e-10
    product = centred(sources.prod(dim=1, keepdim=True), means.prod(dim=1, keepdim=True))
    norms = energies.sqrt()
    together = (energies.sum(dim=1, keepdim=True) + 2 * product).clamp_min(0).sqrt()
    consistency = (together / norms.sum(dim=1, keepdim=True)).clamp_max(1)
    exponent = (torch.pi / 2 * consistency).tan()
    exponent = torch.where(exponent < 0, 10.0, exponent.clamp_max(10))  # tan of just over π/2
    strongest = norms.amax(dim=1, keepdim=True)
    factors = (norms / strongest) ** exponent / norms
    energy = (factors.square() * energies).sum(dim=1, keepdim=True)
    energy = energy + 2 * factors.prod(dim=1, keepdim=True) * product
    # Of sources that are each other's negative nothing but rounding errors is left.
    return factors * torch.where(energy > 1e-4, strongest / energy.clamp_min(1e-4).sqrt(), 0.0)


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


class EdgePreservationLoss(nn.Module):
    """``1 − Q^AB/F``: strength and direction of both sources' edges are found again.

    Q^AB/F as in :func:`mactfusion.metrics.edge_preservation`, which see for the definition, in a
    form that has a gradient everywhere: the angle between two edges is that between two lines, 0
    to π/2, and small strengths are lifted. Where a source has an edge and the fused slice has
    next to none there is hardly a slope to follow, so this is a term beside
    :class:`GradientVectorLoss`, which also keeps bright-dark from becoming dark-bright.

    Source: Xydeas and Petrovic, "Objective image fusion performance measure", Electronics Letters
    36(4), 2000.
    """

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; range 0.025 (best) to 1."""
        horizontal, vertical = sobel(sources)
        own_horizontal, own_vertical = sobel(pred)
        strength = (horizontal.square() + vertical.square() + LIFT).sqrt()
        own_strength = (own_horizontal.square() + own_vertical.square() + LIFT).sqrt()
        ratio = torch.minimum(strength, own_strength) / torch.maximum(strength, own_strength)
        along = (horizontal * own_horizontal + vertical * own_vertical).abs() + LIFT
        across = (horizontal * own_vertical - vertical * own_horizontal).abs()
        direction = 1 - torch.atan2(across, along) / (math.pi / 2)
        kept = STRENGTH_MAXIMUM * torch.sigmoid(-STRENGTH_SLOPE * (ratio - STRENGTH_CENTRE))
        kept = kept * DIRECTION_MAXIMUM
        kept = kept * torch.sigmoid(-DIRECTION_SLOPE * (direction - DIRECTION_CENTRE))
        per_slice = (kept * strength).sum(dim=(1, 2, 3)) / strength.sum(dim=(1, 2, 3))
        return 1 - per_slice.mean()


class RangeLoss(nn.Module):
    """Mean distance of the values that lie outside [0, 1] to that range."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:  # noqa: ARG002
        """Look at ``(B, 1, H, W)`` alone; range 0 (best) upwards."""
        return (pred - pred.clamp(0, 1)).abs().mean()
