"""SF and rSFe: how strongly neighbouring pixels of the fused picture differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DIAGONAL_WEIGHT = np.sqrt(0.5)  # one over the distance of diagonal neighbours
SHORTEST_EDGE = 2


def spatial_frequency(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return SF = sqrt(mean(dx^2) + mean(dy^2)), d the differences of neighbouring pixels of F.

    Means are over the differences that exist, H (W - 1) and (H - 1) W. Larger counts as better in
    the field (sharpness), yet noise raises it most. The sources play no part.

    Source: Eskicioglu and Fisher, "Image quality measures and their performance", IEEE
    Transactions on Communications 43(12), 1995.

    Other code: division by the number of pixels, :func:`spatial_frequency_per_pixel`; pictures
    scaled to 0 to 1, :func:`spatial_frequency_of_unit_scale`.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 2 pixels an edge.
        source_a: the same shape.
        source_b: the same shape.

    Returns:
        0 to 360.6 grey levels.

    Raises:
        InputError: the pictures cannot be compared.
    """
    fused, _, _ = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    return float(np.sqrt(sum((np.diff(fused, axis=axis) ** 2).mean() for axis in (0, 1))))


def spatial_frequency_of_unit_scale(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return SF / 255: SF of pictures scaled to 0 to 1; 0 to 1.414. Larger counts as better."""
    return spatial_frequency(fused, source_a, source_b) / 255


def spatial_frequency_per_pixel(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return SF with both sums divided by H W, 0.2 % lower at 256 pixels.

    0 to 360.6, larger counts as better.
    """
    fused, _, _ = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    return float(
        np.sqrt(sum((np.diff(fused, axis=axis) ** 2).sum() for axis in (0, 1)) / fused.size)
    )


def relative_spatial_frequency_error(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return rSFe = (SF_F - SF_R) / SF_R with the spatial frequency of four directions.

    SF^2 is the sum of all squared differences to the right, the lower, and, weighted by
    1 / sqrt(2), both diagonal neighbours, over H W. SF_F is that of F, SF_R that of an ideal
    result, whose difference at each place is the larger of ``|dA|`` and ``|dB|``.

    The best value is 0: below it detail is lost, above it noise or ringing was added. So neither
    larger nor smaller is better.

    Source: Zheng, Essock, Hansen and Haun, "A new metric based on extended spatial frequency and
    its application to DWT based fusion algorithms", Information Fusion 8(2), 2007, as in Zheng
    Liu's ``metricZheng.m``, which corrects the paper's equations 7 and 8 (diagonal weights).

    Other code: called Q_SF by some; some print the absolute value.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 2 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        -1 upwards. For two sources without any detail: 0 if F has none either, else infinity.

    Raises:
        InputError: the pictures cannot be compared.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    squares_fused, squares_a, squares_b = ([d**2 for d in _differences(p)] for p in pictures)
    squares_ideal = [np.maximum(a, b) for a, b in zip(squares_a, squares_b, strict=True)]
    found, ideal = (
        _extended(squares, pictures[0].size) for squares in (squares_fused, squares_ideal)
    )
    if ideal == 0:
        return 0.0 if found == 0 else float("inf")
    return (found - ideal) / ideal


def _differences(picture: Picture) -> list[Picture]:
    """Return differences along rows, columns and both diagonals."""
    return [
        np.diff(picture, axis=1),
        np.diff(picture, axis=0),
        picture[1:, 1:] - picture[:-1, :-1],
        picture[1:, :-1] - picture[:-1, 1:],
    ]


def _extended(squares: list[Picture], pixels: int) -> float:
    """Return the spatial frequency of four directions from squared differences."""
    along_row, along_column, *diagonals = (square.sum() for square in squares)
    return float(np.sqrt((along_row + along_column + DIAGONAL_WEIGHT * sum(diagonals)) / pixels))
