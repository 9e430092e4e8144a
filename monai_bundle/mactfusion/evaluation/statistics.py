"""Is one method better than another: ranks over metrics, paired tests, quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata, wilcoxon

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

LARGEST_EXACT_SAMPLE = 50
"""Differences up to which the exact distribution of the signed-rank sum is used."""


@dataclass(frozen=True)
class Summary:
    """A distribution in a few numbers; quartiles interpolate linearly."""

    count: int
    mean: float
    standard_deviation: float
    """Of the sample (divisor n - 1); 0 for a single value, NaN where one of several is infinite."""
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float


@dataclass(frozen=True)
class Comparison:
    """One metric of a first method against a second on the same cases."""

    median_difference: float
    """Median over the cases of first minus second."""
    larger: int
    """Cases where the first method's value is the larger one."""
    smaller: int
    """Cases where it is the smaller one; those that are left are equal."""
    p_value: float
    """Two-sided Wilcoxon signed-rank test."""
    p_adjusted: float
    """The same after Holm's correction over all metrics compared."""


def mean_ranks(
    scores: Mapping[str, Mapping[str, float]], larger_is_better: Mapping[str, bool]
) -> dict[str, float]:
    """Return every method's rank (1 is best), mean over the metrics.

    Methods that are equal in a metric share the mean of the ranks that they take up.

    Args:
        scores: method to metric to value.
        larger_is_better: the metrics that count, and the direction of each; other metrics in
            ``scores`` are left out.

    Raises:
        InputError: no metric counts, or a method lacks one or has no number for it (NaN).

    Example:
        >>> scores = {"ours": {"SCD": 1.8, "PSNR": 30.0}, "theirs": {"SCD": 1.6, "PSNR": 30.0}}
        >>> mean_ranks(scores, {"SCD": True, "PSNR": True})
        {'ours': 1.25, 'theirs': 1.75}
    """
    if not larger_is_better:
        raise InputError("Methods cannot be ranked without a metric.")
    if not scores:
        return {}
    for method, values in scores.items():
        for metric in larger_is_better:
            if np.isnan(values.get(metric, np.nan)):
                raise InputError(f"{method} has no value of {metric}, so it cannot be ranked.")
    ranks = [
        rankdata([-values[metric] if larger else values[metric] for values in scores.values()])
        for metric, larger in larger_is_better.items()
    ]
    return dict(zip(scores, np.mean(ranks, axis=0).tolist(), strict=True))


def paired_wilcoxon(a: ArrayLike, b: ArrayLike) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test on paired values.

    Pairs without a difference are left out, as Wilcoxon did; with no difference at all the value
    is 1. The distribution is exact for up to 50 differences of unlike magnitude, else normal
    with the correction for ties and none for continuity.

    Args:
        a: shape ``(N,)``, one value a case.
        b: shape ``(N,)``, the same cases in the same order.

    Raises:
        ValueError: different shapes, more than one dimension, or NaN.

    Example:
        >>> paired_wilcoxon([1.0, 2.0, 3.0, 4.0, 5.0], [0.9, 1.8, 2.7, 3.6, 4.5])
        0.0625
    """
    differences = _differences(a, b)
    differences = differences[differences != 0]
    if not differences.size:
        return 1.0
    has_ties = np.unique(np.abs(differences)).size < differences.size
    exact = differences.size <= LARGEST_EXACT_SAMPLE and not has_ties
    return float(wilcoxon(differences, method="exact" if exact else "approx").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number by Holm's step-down method, in the order given.

    The i-th smallest of n is multiplied by ``n - i + 1``; none becomes smaller than the one before
    it, or larger than 1 (Holm 1979, Scandinavian Journal of Statistics 6(2)).

    Raises:
        ValueError: a value is not within 0 to 1.

    Example:
        >>> holm([0.04, 0.01, 0.5])
        [0.08, 0.03, 0.5]
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not np.all((values >= 0) & (values <= 1)):
        msg = f"P-values lie within 0 to 1, not {list(p_values)}."
        raise ValueError(msg)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    return np.minimum(adjusted, 1).tolist()


def compare_paired(
    first: Mapping[str, ArrayLike], second: Mapping[str, ArrayLike]
) -> dict[str, Comparison]:
    """Compare two methods metric by metric on the same cases.

    Args:
        first: metric to values, shape ``(N,)``.
        second: the same metrics, on the same cases in the same order.

    Returns:
        Metric to comparison; ``p_adjusted`` is corrected over all of them.

    Raises:
        ValueError: other metrics, no cases, or see :func:`paired_wilcoxon`.
    """
    if set(first) != set(second):
        msg = f"The methods have different metrics: {sorted(first)} and {sorted(second)}."
        raise ValueError(msg)
    differences = {metric: _differences(first[metric], second[metric]) for metric in first}
    p_values = [paired_wilcoxon(first[metric], second[metric]) for metric in first]
    return {
        metric: Comparison(
            median_difference=summarize(difference).median,
            larger=int(np.count_nonzero(difference > 0)),
            smaller=int(np.count_nonzero(difference < 0)),
            p_value=p_value,
            p_adjusted=p_adjusted,
        )
        for (metric, difference), p_value, p_adjusted in zip(
            differences.items(), p_values, holm(p_values), strict=True
        )
    }


def summarize(values: ArrayLike) -> Summary:
    """Return mean, standard deviation and quantiles of values of shape ``(N,)``.

    Raises:
        ValueError: no values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not sample.size:
        msg = "There are no values to summarize."
        raise ValueError(msg)
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        deviation = float(sample.std(ddof=1)) if sample.size > 1 else 0.0
        quantiles = _quantiles(sample, [0, 0.25, 0.5, 0.75, 1])
    return Summary(sample.size, float(sample.mean()), deviation, *quantiles)


def _quantiles(sample: NDArray[np.float64], shares: list[float]) -> list[float]:
    """Interpolate linearly; between two values of which one is infinite lies that one."""
    linear = np.quantile(sample, shares)
    below, above = (np.quantile(sample, shares, method=side) for side in ("lower", "higher"))
    infinite = np.isinf(below) | np.isinf(above)
    return np.where(infinite, np.where(below == above, below, below + above), linear).tolist()


def _differences(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return ``a - b``; two equal infinities (PSNR of equal pictures) differ by nothing."""
    first, second = (np.asarray(values, dtype=np.float64) for values in (a, b))
    if first.shape != second.shape or first.ndim != 1:
        msg = f"Paired values have one shape (N,), not {first.shape} and {second.shape}."
        raise ValueError(msg)
    if np.isnan(first).any() or np.isnan(second).any():
        msg = "Paired values must be numbers, not NaN."
        raise ValueError(msg)
    equal = first == second
    return np.subtract(first, second, out=np.zeros_like(first), where=~equal)
