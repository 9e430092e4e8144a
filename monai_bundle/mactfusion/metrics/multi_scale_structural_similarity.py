"""MS-SSIM of 2003: SSIM over five scales, for each source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.ms_ssim_fusion import halved
from mactfusion.metrics.pictures import Picture, as_pictures
from mactfusion.metrics.structural_similarity import TAPS, luminance_and_structure
from mactfusion.metrics.windows import local_statistics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SHORTEST_EDGE = 161  # halved four times, one full window is left


def multi_scale_structural_similarity(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return the mean of MS-SSIM(A, F) and MS-SSIM(B, F) of Wang, Simoncelli and Bovik.

    With l and cs the two factors of SSIM (11x11 Gaussian windows), the value for one source is
    mean(l cs)^0.1333 on the coarsest of five scales (2x2 means, halved), times mean(cs)^w on the
    others, w = 0.0448, 0.2856, 0.3001, 0.2363. Larger is better.

    Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality
    assessment", Asilomar 2003; the authors' MATLAB code.

    Other code: many tables print MEF-MS-SSIM under this name
    (:func:`mactfusion.metrics.ms_ssim_fusion.ms_ssim_fusion`, 0.92 to 0.96 where this one is 0.44
    to 0.81).

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 161 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 to 1. A scale whose mean is negative counts as 0.

    Raises:
        InputError: the pictures cannot be compared or are too small for five scales.
    """
    fused, *sources = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    return sum(_one_source(source, fused) for source in sources) / 2


def _one_source(source: Picture, fused: Picture) -> float:
    value = 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS, start=1):
        of_source, of_fused = local_statistics(source, TAPS), local_statistics(fused, TAPS)
        luminance, structure = luminance_and_structure(of_source, of_fused)
        factor = structure if scale < len(SCALE_WEIGHTS) else luminance * structure
        value *= float(np.maximum(factor.mean(), 0.0)) ** weight
        source, fused = halved(source), halved(fused)
    return value
