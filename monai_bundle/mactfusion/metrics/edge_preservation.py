"""Q^AB/F: how much of the sources' edge strength and direction the fused picture keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import sobel

from mactfusion.metrics.pictures import Picture, as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STRENGTH_MAXIMUM, STRENGTH_SLOPE, STRENGTH_CENTRE = 0.9994, -15.0, 0.5
DIRECTION_MAXIMUM, DIRECTION_SLOPE, DIRECTION_CENTRE = 0.9879, -22.0, 0.8


def edge_preservation(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return Q^AB/F, the edge preservation of Xydeas and Petrovic.

    g is the Sobel edge strength (3x3, zeros outside), alpha = atan(s_y / s_x) its direction. Per
    source X: G = min(g_X, g_F) / max(g_X, g_F), D = 1 - |alpha_X - alpha_F| / (pi / 2),
    Q^XF = 0.9994 / (1 + exp(-15 (G - 0.5))) * 0.9879 / (1 + exp(-22 (D - 0.8))), and
    Q^AB/F = sum(Q^AF g_A + Q^BF g_B) / sum(g_A + g_B).

    Source: Xydeas and Petrovic, "Objective image fusion performance measure", Electronics
    Letters 36(4), 2000.

    Other code: Zheng Liu's ``metricXydeas.m`` uses other constants and an unweighted mean, which
    cannot be compared. Where g_X = g_F exactly, the common code sets G = g_F instead of 1: on 0
    to 255, followed here, within 0.001 of G = 1
    (:func:`edge_preservation_with_equal_edges_kept`); on 0 to 1 it punishes such pixels
    (:func:`edge_preservation_of_unit_scale`), by 0.07 for rules that copy pixels.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 to 0.975. Two sources without any edge give 0.

    Raises:
        InputError: the pictures cannot be compared.
    """
    return _edge_preservation(*as_pictures(fused, source_a, source_b))


def edge_preservation_of_unit_scale(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return Q^AB/F of pictures scaled to 0 to 1, where G = g_F punishes equal weak edges.

    0 to 0.975, larger is better. Only for comparison with tables made this way. Whether two
    strengths are equal hangs on the last digit of floating-point numbers here: the same formula
    with another order of sums gives values up to 0.005 away.
    """
    fused, source_a, source_b = as_pictures(fused, source_a, source_b)
    return _edge_preservation(fused / 255, source_a / 255, source_b / 255)


def edge_preservation_with_equal_edges_kept(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return Q^AB/F with G = 1 where g_X = g_F, as the definition means it.

    0 to 0.975, larger is better. Within 0.001 of Q^AB/F: equal edges of whole grey levels have a
    strength of 1 or more, where the function of G is all but flat.
    """
    return _edge_preservation(*as_pictures(fused, source_a, source_b), equal=1.0)


def _edge_preservation(
    fused: Picture, source_a: Picture, source_b: Picture, equal: float | None = None
) -> float:
    """Return Q^AB/F; G is ``equal`` where both edges are, by default their strength."""
    fused_edges, *source_edges = (_edges(picture) for picture in (fused, source_a, source_b))
    kept = sum((_preserved(edges, fused_edges, equal) * edges[0]).sum() for edges in source_edges)
    present = sum(strength.sum() for strength, _ in source_edges)
    return float(kept / present) if present > 0 else 0.0


def _edges(picture: Picture) -> tuple[Picture, Picture]:
    """Return edge strength, and direction in radians within (-pi/2, pi/2]."""
    horizontal = sobel(picture, axis=1, mode="constant")
    vertical = sobel(picture, axis=0, mode="constant")
    flat = horizontal == 0
    slope = np.divide(vertical, -horizontal, out=np.zeros_like(vertical), where=~flat)
    # On 0 to 1, equal edges are a matter of the last digit, and hypot rounds it another way.
    strength = np.sqrt(horizontal**2 + vertical**2)
    return strength, np.where(flat, np.pi / 2, np.arctan(slope))


def _preserved(
    source: tuple[Picture, Picture], fused: tuple[Picture, Picture], equal: float | None
) -> Picture:
    """Return Q^XF of every pixel."""
    (source_strength, source_direction), (fused_strength, fused_direction) = source, fused
    weaker = np.minimum(source_strength, fused_strength)
    stronger = np.maximum(source_strength, fused_strength)
    if_equal = fused_strength.copy() if equal is None else np.full_like(fused_strength, equal)
    strength = np.divide(weaker, stronger, out=if_equal, where=weaker != stronger)
    direction = 1 - np.abs(source_direction - fused_direction) / (np.pi / 2)
    return (
        STRENGTH_MAXIMUM
        / (1 + np.exp(STRENGTH_SLOPE * (strength - STRENGTH_CENTRE)))
        * DIRECTION_MAXIMUM
        / (1 + np.exp(DIRECTION_SLOPE * (direction - DIRECTION_CENTRE)))
    )
