"""Whether the colour of a fused picture says how much uptake there is, whatever the MR does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST_UPTAKE = 0.15
"""Of the window: below that there is little to read, and no colour to read it from."""
LEAST_PIXELS = 10


class Readability(NamedTuple):
    """Rank correlations, -1 to 1.

    Attributes:
        chroma: of chroma with uptake, the MR being held.
        hue: of hue with uptake, likewise; its sign depends on the table of colours.
        chroma_of_anatomy: of chroma with the MR, uptake being held: how far the MR disturbs.
        hue_of_anatomy: of hue, likewise.
    """

    chroma: float
    hue: float
    chroma_of_anatomy: float
    hue_of_anatomy: float

    @property
    def read(self) -> float:
        """How well uptake is read, 0 to 1: from chroma or hue, whichever says it better."""
        return max(abs(self.chroma), abs(self.hue))

    @property
    def disturbed(self) -> float:
        """How far the MR disturbs what is read, 0 to 1."""
        is_by_hue = abs(self.hue) > abs(self.chroma)
        return abs(self.hue_of_anatomy if is_by_hue else self.chroma_of_anatomy)


def readability(colors: ArrayLike, uptake: ArrayLike, anatomical: ArrayLike) -> Readability:
    """Return how well uptake can be read from the colours of a fused picture.

    Partial correlations of Spearman's ranks over the pixels with uptake above 15 % of the window.
    Hue is the angle from the mean hue of these pixels. What is the same everywhere correlates with
    nothing: 0.

    Args:
        colors: ``(3, ...)``: lightness, and two axes of colour, as of OKLab.
        uptake: of the same shape without the first axis, in its window, 0 to 1.
        anatomical: likewise.

    Raises:
        InputError: the shapes differ, or fewer than 10 pixels have uptake.
    """
    lab, own, other = (np.asarray(values, np.float64) for values in (colors, uptake, anatomical))
    if lab.shape != (3, *own.shape) or own.shape != other.shape:
        raise InputError("Colours, uptake and anatomical picture differ in shape.")
    has_uptake = own > LEAST_UPTAKE
    if np.count_nonzero(has_uptake) < LEAST_PIXELS:
        raise InputError("Fewer than 10 pixels have uptake: there is nothing to read.")
    color = lab[1][has_uptake] + 1j * lab[2][has_uptake]
    chroma = np.abs(color)
    hue = np.angle(color * np.conj(color.sum() or 1))
    ranks = [_ranks(values) for values in (own[has_uptake], other[has_uptake], chroma, hue)]
    of = _correlations(ranks)
    return Readability(
        chroma=_held(of[2, 0], of[2, 1], of[0, 1]),
        hue=_held(of[3, 0], of[3, 1], of[0, 1]),
        chroma_of_anatomy=_held(of[2, 1], of[2, 0], of[0, 1]),
        hue_of_anatomy=_held(of[3, 1], of[3, 0], of[0, 1]),
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks; equal values share the mean of theirs."""
    _, places, counts = np.unique(values.round(9), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def _correlations(ranks: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    centred = np.stack([values - values.mean() for values in ranks])
    products = centred @ centred.T
    lengths = np.sqrt(np.maximum(np.diag(products), 1e-12))
    return products / np.outer(lengths, lengths)


def _held(own: float, other: float, between: float) -> float:
    """Return the partial correlation of two with a third being held."""
    left = (1 - other**2) * (1 - between**2)
    return float((own - other * between) / np.sqrt(left)) if left > 1e-12 else 0.0
