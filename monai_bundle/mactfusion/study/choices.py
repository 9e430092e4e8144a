"""How often each method is chosen, and how strong that makes it beside the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.stats import binomtest

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95
"""Of every interval."""

RESAMPLES = 2000
_STEPS, _TOLERANCE = 2000, 1e-10

Interval = tuple[float, float]


@dataclass(frozen=True)
class Choices:
    """What several readers chose in the same cases.

    Attributes:
        chosen: ``(readers, cases)``, the number of the chosen method.
        offered: ``(cases, methods)``, bool, which methods had an image to choose.
    """

    chosen: NDArray[np.int64]
    offered: NDArray[np.bool_]

    def of_cases(self, which: NDArray[np.bool_]) -> Choices:
        """Keep some of the cases, bool ``(cases,)``."""
        return Choices(self.chosen[:, which], self.offered[which])

    def of_reader(self, reader: int) -> Choices:
        """Keep one of the readers."""
        return Choices(self.chosen[reader : reader + 1], self.offered)

    @property
    def wins(self) -> NDArray[np.bool_]:
        """Whether a method was chosen, ``(readers, cases, methods)``."""
        return np.equal(self.chosen[..., None], np.arange(self.offered.shape[1]))


def wilson(count: int, total: int) -> Interval:
    """Return Wilson's score interval of a share, as if each choice were independent of the others.

    Source: Wilson 1927, Journal of the American Statistical Association 22; computed by SciPy.

    Example:
        >>> [round(bound, 3) for bound in wilson(9, 12)]
        [0.468, 0.911]
    """
    interval = binomtest(count, total).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def are_comparable(choices: Choices) -> bool:
    """Tell whether strengths follow from the choices.

    From any method that was ever chosen a way must lead to any other by "was chosen beside" (Ford
    1957, American Mathematical Monthly 64). Where all cases have all methods there is one.
    """
    wins: NDArray[np.bool_] = np.any(choices.wins, axis=0)
    is_beaten: NDArray[np.bool_] = np.any(wins[:, :, None] & choices.offered[:, None, :], axis=0)
    ever: NDArray[np.bool_] = np.any(wins, axis=0)
    count, _ = connected_components(is_beaten[np.ix_(ever, ever)], connection="strong")
    return int(count) == 1


def strengths(choices: Choices) -> NDArray[np.float64]:
    """Return the strengths of Luce's model with the largest likelihood, ``(methods,)``, sum 1.

    A method is chosen with its strength's share in the strengths of all that the case shows, which
    for two images is the model of Bradley and Terry. Where every case shows all methods, the
    strengths are the shares of choices, and so is what Bradley and Terry's model gives when a
    choice of one among k counts as k - 1 wins of pairs; intervals of that would be too narrow,
    since the pairs of one choice are not independent.

    Source: Luce 1959, Individual Choice Behavior; the iteration is that of Hunter 2004, The Annals
    of Statistics 32, section 5. It fits all bootstrap draws at once, which libraries do not.
    """
    whole = np.ones((1, choices.chosen.shape[1]))
    readers = np.ones((1, choices.chosen.shape[0]))
    return _fit(choices, readers, whole)[0]


def strength_intervals(choices: Choices, seed: int = 0) -> list[Interval | None]:
    """Return a bootstrap interval of each strength, as other readers and other cases may give it.

    Readers and cases are drawn anew, both, with replacement (the pigeonhole bootstrap, Owen 2007,
    The Annals of Applied Statistics 1), so that what is common to the choices of one reader, or to
    those in one case, does not make an interval too narrow. The bounds are percentiles.

    Args:
        choices: of all readers.
        seed: equal seeds give equal intervals.

    Returns:
        None of a method that no reader, or every reader, chose in every case: then there is nothing
        to draw anew.
    """
    readers, cases = choices.chosen.shape
    generator = np.random.default_rng(seed)
    drawn = [
        generator.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(np.float64)
        for count in (readers, cases)
    ]
    fitted = _fit(choices, *drawn)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(fitted, tails, axis=0)
    return [
        None if lowest == highest else (float(lowest), float(highest))
        for lowest, highest in zip(low, high, strict=True)
    ]


def _fit(
    choices: Choices, of_readers: NDArray[np.float64], of_cases: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit the model to many weightings at once.

    Args:
        choices: of all readers.
        of_readers: ``(fits, readers)``, how often each counts.
        of_cases: ``(fits, cases)``, likewise.

    Returns:
        ``(fits, methods)``.
    """
    wins = np.einsum("br,bc,rcm->bm", of_readers, of_cases, choices.wins, optimize=True)
    sets, place = np.unique(choices.offered, axis=0, return_inverse=True)
    belongs = np.eye(len(sets))[place.reshape(-1)]  # (cases, sets)
    asked = of_readers.sum(axis=1, keepdims=True) * (of_cases @ belongs)  # (fits, sets)
    fitted = np.full(wins.shape, 1 / wins.shape[1])
    for _ in range(_STEPS):
        beside = fitted @ sets.T  # (fits, sets)
        rate = np.divide(asked, beside, out=np.zeros_like(asked), where=beside > 0) @ sets
        new = np.divide(wins, rate, out=np.zeros_like(wins), where=rate > 0)
        new /= new.sum(axis=1, keepdims=True)
        moved = float(np.abs(new - fitted).max())
        fitted = new
        if moved < _TOLERANCE:
            break
    return fitted
