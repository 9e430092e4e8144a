"""Areas under ROC curves, and how sure they are: whole heads are drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95


class Interval(NamedTuple):
    """A figure, and between what it lies with a confidence of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Draws:
    """How often each of G heads takes part: once each, and in each of D samples with replacement.

    Attributes:
        counts: ``(1 + D, G)``.
    """

    counts: NDArray[np.float64]

    @classmethod
    def of(cls, heads: int, draws: int, rng: np.random.Generator) -> Draws:
        """Draw the samples."""
        drawn = rng.multinomial(heads, np.full(heads, 1 / heads), draws)
        return cls(np.vstack([np.ones(heads), drawn]).astype("float64"))


def area(
    right: NDArray[np.float64], heads: tuple[NDArray[np.intp], NDArray[np.intp]], draws: Draws
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum the pairs of places that were told apart, and all pairs, in each sample.

    Args:
        right: ``(M, N)`` of :func:`~training.observer.hotelling.told_apart`.
        heads: of which head each of M and each of N is.
        draws: the samples.

    Returns:
        Twice ``(1 + D,)``; their quotient, also of the sums of several observers that were trained
        apart, is the area.
    """
    count = draws.counts.shape[1]
    with_lesion, without = (np.eye(count)[own] for own in heads)
    told = with_lesion.T @ right @ without
    pairs = np.outer(with_lesion.sum(axis=0), without.sum(axis=0))
    first, second = ((draws.counts @ sums * draws.counts).sum(axis=1) for sums in (told, pairs))
    return first, second


def interval(figures: NDArray[np.float64]) -> Interval:
    """Return the figure of all heads ``(1 + D,)[0]``, with the percentiles of the samples."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(figures[1:], [tail, 100 - tail])
    return Interval(float(figures[0]), float(low), float(high))
