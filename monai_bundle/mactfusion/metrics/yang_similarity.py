"""Q_Y: similarity to both sources where they agree, to the nearer one where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import as_pictures
from mactfusion.metrics.structural_similarity import similarity_map
from mactfusion.metrics.windows import NEGLIGIBLE_VARIANCE, gaussian_taps, local_statistics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TAPS = gaussian_taps(7, sigma=1.5)
AGREEMENT = 0.75


def yang_similarity(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return Q_Y, the similarity measure of Yang, Zhang, Wang and Liu.

    SSIM is taken in full 7x7 Gaussian windows (sigma 1.5 pixels) without constants. Where
    SSIM(A, B) >= 0.75 a window scores lambda SSIM(A, F) + (1 - lambda) SSIM(B, F), with variances s
    and lambda = s_A / (s_A + s_B); elsewhere the larger of SSIM(A, F) and SSIM(B, F). Q_Y is the
    mean over all windows. Larger is better.

    Source: Yang, Zhang, Wang and Liu, "A novel similarity based quality metric for image fusion",
    Information Fusion 9(2), 2008; Zheng Liu's ``metricYang.m``.

    Other code: ``metricYang.m`` adds 2e-16 for the constants, and returns NaN where both sources
    are flat in some window, as in black background. Here lambda is 0.5 there, and a factor of
    SSIM that is 0 / 0 is 1.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 7 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        -1 to 1.

    Raises:
        InputError: the pictures cannot be compared or are smaller than the window.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=len(TAPS))
    of_fused, of_a, of_b = (local_statistics(picture, TAPS) for picture in pictures)
    total = of_a.variance + of_b.variance
    half = np.full_like(total, 0.5)
    share_a = np.divide(of_a.variance, total, out=half, where=total > NEGLIGIBLE_VARIANCE)
    similar_a, similar_b = (similarity_map(source, of_fused, 0, 0) for source in (of_a, of_b))
    agree = similarity_map(of_a, of_b, 0, 0) >= AGREEMENT
    mixed = share_a * similar_a + (1 - share_a) * similar_b
    return float(np.where(agree, mixed, np.maximum(similar_a, similar_b)).mean())
