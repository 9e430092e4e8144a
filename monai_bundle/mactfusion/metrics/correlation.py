"""CC: how closely the fused picture follows its sources, as Pearson's correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def correlation_coefficient(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return CC = (r(A, F) + r(B, F)) / 2, r Pearson's correlation over all pixels.

    Larger is better, but the pixel average is close to the best possible picture: CC says
    nothing about sharpness.

    Source: Ma, Ma and Li, "Infrared and visible image fusion methods and applications: a survey",
    Information Fusion 45, 2019.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        -1 to 1. A constant picture correlates with nothing: its term is 0.

    Raises:
        InputError: the pictures cannot be compared.
    """
    fused, source_a, source_b = as_pictures(fused, source_a, source_b)
    return (pearson(source_a, fused) + pearson(source_b, fused)) / 2


def pearson(first: Picture, second: Picture) -> float:
    """Return Pearson's correlation over all pixels; 0 where one of the two is constant."""
    first = first - first.mean()
    second = second - second.mean()
    spread = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / spread) if spread > 0 else 0.0
