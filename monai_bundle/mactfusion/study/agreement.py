"""How far readers agree, beyond what chance would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import krippendorff
import numpy as np
from scipy.stats import t as student

from mactfusion.study.choices import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mactfusion.study.choices import Interval


def fleiss_kappa(chosen: NDArray[np.int64], methods: int) -> float | None:
    """Return Fleiss' kappa of what readers chose: 1 is full agreement, 0 what chance gives.

    Source: Fleiss 1971, Psychological Bulletin 76(5). Chance is that two readers choose by the
    shares of all choices together.

    Args:
        chosen: ``(readers, cases)``, the number of what was chosen.
        methods: how many there are to choose from, in all cases together.

    Returns:
        None where it is not defined: a single reader, or everybody chose the same everywhere.

    Example:
        >>> round(fleiss_kappa(np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 0]]), 2), 3)
        0.657
    """
    counts = np.equal(chosen[..., None], np.arange(methods)).sum(axis=0)
    return _kappa(counts[None])[0]


def kappa_interval(chosen: NDArray[np.int64], methods: int) -> Interval | None:
    """Return a jackknife interval of kappa, as other cases may give it for these readers.

    From the pseudo-values that each case gives when it is left out, by Student's distribution
    (Tukey 1958, The Annals of Mathematical Statistics 29). A bootstrap of few cases draws some of
    them twice, which lowers kappa: its percentiles lie too low.

    Returns:
        None of a single reader, of fewer than three cases, where kappa without some case is not
        defined, or where no case changes it, as with full agreement: other cases may, and nothing
        here tells how much.
    """
    readers, cases = chosen.shape
    if readers < 2 or cases < 3:
        return None
    counts = np.equal(chosen[..., None], np.arange(methods)).sum(axis=0)
    whole = _kappa(counts[None])[0]
    without = _kappa(np.stack([np.delete(counts, case, axis=0) for case in range(cases)]))
    if whole is None or None in without:
        return None
    pseudo = cases * whole - (cases - 1) * np.array(without, np.float64)
    middle, spread = pseudo.mean(), pseudo.std(ddof=1) / np.sqrt(cases)
    if np.isclose(spread, 0):
        return None
    half = student.ppf((1 + LEVEL) / 2, cases - 1) * spread
    return max(-1.0, float(middle - half)), min(1.0, float(middle + half))


def _kappa(counts: NDArray[np.int64]) -> list[float | None]:
    """Return kappa of many tables ``(tables, cases, methods)`` of how often what was chosen."""
    readers = int(counts[0, 0].sum())
    if readers < 2:
        return [None] * len(counts)
    observed = ((counts**2).sum(axis=2) - readers).mean(axis=1) / (readers * (readers - 1))
    shares = counts.sum(axis=1) / (readers * counts.shape[1])
    by_chance = (shares**2).sum(axis=1)
    return [
        None if chance == 1 else float((agreed - chance) / (1 - chance))
        for agreed, chance in zip(observed, by_chance, strict=True)
    ]


def agreement_with_others(chosen: NDArray[np.int64]) -> list[float | None]:
    """Return, of each reader, how often another one chose the same: mean over others and cases.

    Args:
        chosen: ``(readers, cases)``.
    """
    readers = len(chosen)
    if readers < 2:
        return [None] * readers
    same = (chosen[:, None] == chosen[None]).mean(axis=2)
    return [float((row.sum() - 1) / (readers - 1)) for row in same]


def ordinal_alpha(ratings: NDArray[np.float64]) -> float | None:
    """Return Krippendorff's alpha of ratings, as an order: 1 is full agreement, 0 chance.

    Args:
        ratings: ``(readers, what was rated)``, NaN where a reader gave none.

    Returns:
        None where it is not defined: nothing was rated twice, or all such ratings are equal.
    """
    paired = ratings[:, np.count_nonzero(~np.isnan(ratings), axis=0) > 1]
    if np.unique(paired[~np.isnan(paired)]).size < 2:
        return None
    return float(krippendorff.alpha(reliability_data=paired, level_of_measurement="ordinal"))
