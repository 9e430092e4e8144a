"""FSIM: similarity of phase congruency and gradient, where there are features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import correlate1d

from mactfusion.metrics.phase_congruency import (
    phase_congruency_of_energies,
    phase_congruency_of_orientations,
)
from mactfusion.metrics.pictures import Picture, as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CONGRUENCY_CONSTANT = 0.85
GRADIENT_CONSTANT = 160.0
SCHARR_ACROSS, SCHARR_ALONG = np.array([3.0, 10.0, 3.0]), np.array([-1.0, 0.0, 1.0])
WORKING_SIZE = 256
SHORTEST_EDGE = 3


def feature_similarity(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return (FSIM(A, F) + FSIM(B, F)) / 2.

    With P the phase congruency (PC_2, four orientations) and g the length of the Scharr gradient
    (3x3 over 16, zeros outside), S = (2 P_X P_F + 0.85) / (P_X^2 + P_F^2 + 0.85) times
    (2 g_X g_F + 160) / (g_X^2 + g_F^2 + 160), and FSIM is the mean of S weighted by
    max(P_X, P_F). Pictures are first brought near 256 pixels along the shorter edge by block
    means. Larger is better.

    Source: Zhang, Zhang, Mou and Zhang, "FSIM: a feature similarity index for image quality
    assessment", IEEE TIP 20(8), 2011.

    Other code: the Python package image-similarity-measures,
    :func:`feature_similarity_of_unit_scale`, 0.03 lower to 0.11 higher.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 3 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 to 1. Two pictures without any feature give 1.

    Raises:
        InputError: the pictures cannot be compared.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    of_fused, *of_sources = (
        (phase_congruency_of_energies(small), np.hypot(*_scharr(small, "constant")) / 16)
        for small in map(_reduced, pictures)
    )
    return sum(_similarity(*of_source, *of_fused) for of_source in of_sources) / 2


def feature_similarity_of_unit_scale(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return the mean of both sources' FSIM as image-similarity-measures computes it.

    Phase congruency is the sum of six orientations on pictures scaled to 0 to 1; the gradient is
    16 times as large, but on that scale, rounded, and 0 where negative (an unsigned OpenCV array),
    so that the constant 160 makes its factor almost 1. 0 to 1, larger is better. DILRAN's script.
    """
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    of_fused, *of_sources = (
        (phase_congruency_of_orientations(unit), np.hypot(*_unsigned_scharr(unit)))
        for unit in (picture / 255 for picture in pictures)
    )
    return sum(_similarity(*of_source, *of_fused) for of_source in of_sources) / 2


def _similarity(
    congruency_source: Picture,
    gradient_source: Picture,
    congruency_fused: Picture,
    gradient_fused: Picture,
) -> float:
    weights = np.maximum(congruency_source, congruency_fused)
    similar = _ratio(congruency_source, congruency_fused, CONGRUENCY_CONSTANT)
    similar *= _ratio(gradient_source, gradient_fused, GRADIENT_CONSTANT)
    total = weights.sum()
    return float((similar * weights).sum() / total) if total > 0 else 1.0


def _ratio(first: Picture, second: Picture, constant: float) -> Picture:
    return (2 * first * second + constant) / (first**2 + second**2 + constant)


def _scharr(picture: Picture, mode: str) -> tuple[Picture, Picture]:
    """Return horizontal and vertical differences, 32 for a slope of 1 a pixel."""
    horizontal, vertical = (
        correlate1d(
            correlate1d(picture, SCHARR_ALONG, axis=axis, mode=mode),
            SCHARR_ACROSS,
            axis=1 - axis,
            mode=mode,
        )
        for axis in (1, 0)
    )
    return horizontal, vertical


def _unsigned_scharr(picture: Picture) -> tuple[Picture, Picture]:
    horizontal, vertical = (
        np.maximum(np.rint(differences), 0) for differences in _scharr(picture, "mirror")
    )
    return horizontal, vertical


def _reduced(picture: Picture) -> Picture:
    """Return every n-th pixel of means over n x n pixels, n = shorter edge / 256, rounded."""
    step = max(1, int(min(picture.shape) / WORKING_SIZE + 0.5))
    if step == 1:
        return picture
    taps = np.full(step, 1 / step)
    origin = step % 2 - 1  # an even window lies to the right and below, as MATLAB's conv2 has it
    for axis in (0, 1):
        picture = correlate1d(picture, taps, axis=axis, mode="constant", origin=origin)
    return picture[::step, ::step]
