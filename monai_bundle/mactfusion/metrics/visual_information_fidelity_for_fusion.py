"""VIFF: the visual information that is kept of the source that is kept less, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import as_pictures
from mactfusion.metrics.visual_information_fidelity import SHORTEST_EDGE, distortions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

VISUAL_NOISE_VARIANCE = 0.005 * 255**2
SCALE_WEIGHTS = np.array([1, 0, 0.15, 1]) / 2.15
OFFSET = 1e-7  # of the authors' code: no division by 0 in flat pictures


def visual_information_fidelity_for_fusion(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return VIFF, Han's visual information fidelity for fusion.

    Windows, scales, gain g and noise variance v are those of VIF
    (:mod:`mactfusion.metrics.visual_information_fidelity`), observer noise is n = 0.005 * 255^2.
    Every window takes the source X with the smaller gain; a scale's value is
    sum(log10(1 + g^2 var(X) / (v + n)) + 1e-7) / sum(log10(1 + var(X) / n) + 1e-7), and VIFF the
    mean of the four scales with weights 1, 0, 0.15, 1. Larger is better.

    Source: Han, Cai, Cao and Xu, "A new image fusion performance metric based on visual
    information fidelity", Information Fusion 14(2), 2013.

    Other code: colour pictures are compared by L of CIELAB in the authors' code, by luminance
    here; some tables print it as "VIF".

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 41 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape. It is taken where both gains are equal (mostly 0), so that an
            exchange of the sources can change the value a little.

    Returns:
        0 to about 1. Two constant sources give 1.

    Raises:
        InputError: the pictures cannot be compared or are too small for four scales.
    """
    fused, source_a, source_b = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    values = []
    for of_a, of_b in zip(distortions(source_a, fused), distortions(source_b, fused), strict=True):
        takes_a = of_a.gain < of_b.gain
        variance, gain, residual = (
            np.where(takes_a, a, b) for a, b in zip(of_a, of_b, strict=True)
        )
        kept = np.log10(1 + gain**2 * variance / (residual + VISUAL_NOISE_VARIANCE)) + OFFSET
        present = np.log10(1 + variance / VISUAL_NOISE_VARIANCE) + OFFSET
        values.append(kept.sum() / present.sum())
    return float(np.dot(SCALE_WEIGHTS, values))
