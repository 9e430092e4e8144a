"""VIF: how much of the information in each source an observer still finds in the fused picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures
from mactfusion.metrics.windows import Taps, gaussian_taps, window_sum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

WINDOW_SIZES = (17, 9, 5, 3)
VISUAL_NOISE_VARIANCE = 2.0
NEGLIGIBLE_VARIANCE = 1e-10
SHORTEST_EDGE = 41  # leaves one full window on the coarsest scale


def visual_information_fidelity(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return VIF(A, F) + VIF(B, F) in the pixel domain.

    Four scales with Gaussian windows of N = 17, 9, 5, 3 pixels (sigma N / 5; every scale but the
    first is the previous one filtered with its own window and halved). In each window
    g = cov(X, F) / var(X), v = var(F) - g cov(X, F), and with observer noise 2 grey levels
    squared VIF(X, F) = sum log(1 + g^2 var(X) / (v + 2)) / sum log(1 + var(X) / 2), both sums
    over all windows and scales.

    Source: Sheikh and Bovik, "Image information and visual quality", IEEE TIP 15(2), 2006, as in
    their ``vifp_mscale.m``.

    Other code: 8-bit MATLAB arrays saturate in the products of the first scale
    (:func:`visual_information_fidelity_8_bit`, mostly 0.1 to 0.2 higher); some code averages the
    two sources (half the value), uses the wavelet form on 0 to 1, or prints Han's VIFF
    (:mod:`mactfusion.metrics.visual_information_fidelity_for_fusion`) under this name.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 41 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 to about 2 (a fused picture of higher contrast than its source can exceed 1 per
        source). A constant source has no information to keep: its term is 0.

    Raises:
        InputError: the pictures cannot be compared or are too small for four scales.
    """
    fused, *sources = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    return sum(_fidelity(source, fused) for source in sources)


def visual_information_fidelity_to_a(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return VIF(A, F) alone, 0 to about 1.

    Neither larger nor smaller is better: what A gains, B mostly loses. It tells where the sum
    comes from.
    """
    fused, source_a, _ = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    return _fidelity(source_a, fused)


def visual_information_fidelity_to_b(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return VIF(B, F) alone, see :func:`visual_information_fidelity_to_a`."""
    return visual_information_fidelity_to_a(fused, source_b, source_a)


def visual_information_fidelity_8_bit(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return VIF as computed on 8-bit MATLAB arrays, whose products saturate at 255.

    That happens on the first scale only, for filtering makes floating-point arrays. 0 to about 2,
    larger is better. Only for comparison with tables made this way.
    """
    fused, *sources = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    return sum(_fidelity(source, fused, largest_product=255) for source in sources)


def _fidelity(source: Picture, fused: Picture, largest_product: float = np.inf) -> float:
    kept = present = 0.0
    for distortion in distortions(source, fused, largest_product):
        signal = distortion.gain**2 * distortion.variance
        kept += np.log1p(signal / (distortion.residual + VISUAL_NOISE_VARIANCE)).sum()
        present += np.log1p(distortion.variance / VISUAL_NOISE_VARIANCE).sum()
    return float(kept / present) if present > 0 else 0.0


class Distortion(NamedTuple):
    """One scale of the fused picture, explained as gain times source plus noise."""

    variance: Picture
    """Of the source, in every window."""
    gain: Picture
    residual: Picture
    """Variance of the noise."""


def distortions(
    source: Picture, fused: Picture, largest_product: float = np.inf
) -> Iterator[Distortion]:
    """Yield the four scales, finest first.

    Args:
        source: shape ``(H, W)``, at least 41 pixels an edge.
        fused: the same shape.
        largest_product: products of two pixels saturate here on the first scale.
    """
    for scale, size in enumerate(WINDOW_SIZES):
        taps = gaussian_taps(size, sigma=size / 5)
        if scale > 0:
            source, fused = (window_sum(image, taps)[::2, ::2] for image in (source, fused))
            largest_product = np.inf
        yield _distortion(source, fused, taps, largest_product)


def _distortion(source: Picture, fused: Picture, taps: Taps, largest_product: float) -> Distortion:
    mean_source, mean_fused = window_sum(source, taps), window_sum(fused, taps)

    def covariance_of(first: Picture, second: Picture, means: Picture) -> Picture:
        return window_sum(np.minimum(first * second, largest_product), taps) - means

    source_variance = np.maximum(covariance_of(source, source, mean_source**2), 0.0)
    fused_variance = np.maximum(covariance_of(fused, fused, mean_fused**2), 0.0)
    covariance = covariance_of(source, fused, mean_source * mean_fused)
    gain = covariance / (source_variance + NEGLIGIBLE_VARIANCE)
    residual = fused_variance - gain * covariance
    unrelated = (
        (gain < 0)
        | (source_variance < NEGLIGIBLE_VARIANCE)
        | (fused_variance < NEGLIGIBLE_VARIANCE)
    )
    gain = np.where(unrelated, 0.0, gain)
    residual = np.where(unrelated, fused_variance, residual)
    return Distortion(source_variance, gain, np.maximum(residual, NEGLIGIBLE_VARIANCE))
