"""VIF: how much of the information in each source an observer still finds in the fused picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures
from mactfusion.metrics.windows import gaussian_taps, local_covariance, local_variance, window_sum

if TYPE_CHECKING:
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

    Other code: 8-bit MATLAB arrays saturate in the products of the first scale (0.1 to 0.2
    higher); some code averages the two sources (half the value), uses the wavelet form on 0 to 1,
    or prints Han's VIFF under this name.

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
    fused, source_a, source_b = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    return _fidelity(source_a, fused) + _fidelity(source_b, fused)


def _fidelity(source: Picture, fused: Picture) -> float:
    kept = present = 0.0
    for scale, size in enumerate(WINDOW_SIZES):
        taps = gaussian_taps(size, sigma=size / 5)
        if scale > 0:
            source, fused = (window_sum(image, taps)[::2, ::2] for image in (source, fused))
        variance = local_variance(source, taps)
        gain, residual = _distortion(source, fused, variance, taps)
        kept += np.log1p(gain**2 * variance / (residual + VISUAL_NOISE_VARIANCE)).sum()
        present += np.log1p(variance / VISUAL_NOISE_VARIANCE).sum()
    return float(kept / present) if present > 0 else 0.0


def _distortion(
    source: Picture, fused: Picture, source_variance: Picture, taps: np.ndarray
) -> tuple[Picture, Picture]:
    """Explain the fused picture as gain times source plus noise; return gain, noise variance."""
    fused_variance = local_variance(fused, taps)
    covariance = local_covariance(source, fused, taps)
    gain = covariance / (source_variance + NEGLIGIBLE_VARIANCE)
    residual = fused_variance - gain * covariance
    unrelated = (
        (gain < 0)
        | (source_variance < NEGLIGIBLE_VARIANCE)
        | (fused_variance < NEGLIGIBLE_VARIANCE)
    )
    gain = np.where(unrelated, 0.0, gain)
    residual = np.where(unrelated, fused_variance, residual)
    return gain, np.maximum(residual, NEGLIGIBLE_VARIANCE)
