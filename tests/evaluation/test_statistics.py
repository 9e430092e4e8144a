"""Ranks, paired tests and quantiles: against definitions worked out here."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from mactfusion.errors import InputError
from mactfusion.evaluation.statistics import (
    compare_paired,
    holm,
    mean_ranks,
    paired_wilcoxon,
    summarize,
)

NOT_OF_THIS_TEST = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""What the garbage collector says, at a time of its own, of files that others left open."""


def p_by_enumeration(differences):
    """Share of all sign patterns whose rank sum is at least as far from its mean."""
    ranks = rankdata(np.abs(differences))
    middle = ranks.sum() / 2
    seen = abs(ranks[np.asarray(differences) > 0].sum() - middle)
    sums = [np.dot(signs, ranks) for signs in product((0, 1), repeat=len(ranks))]
    return np.mean(np.abs(np.array(sums) - middle) >= seen - 1e-9)


def test_ranks_follow_the_direction_and_ties_share():
    scores = {
        "a": {"SCD": 1.8, "rSFe": 0.1, "extra": 0.0},
        "b": {"SCD": 1.6, "rSFe": 0.1, "extra": 9.0},
        "c": {"SCD": 1.7, "rSFe": 0.3, "extra": 5.0},
    }
    ranks = mean_ranks(scores, {"SCD": True, "rSFe": False})
    assert ranks == {"a": (1 + 1.5) / 2, "b": (3 + 1.5) / 2, "c": (2 + 3) / 2}
    assert mean_ranks(scores, {"rSFe": True}) == {"a": 2.5, "b": 2.5, "c": 1.0}


def test_an_infinite_value_is_the_best():
    scores = {"exact": {"PSNR": np.inf}, "close": {"PSNR": 60.0}}
    assert mean_ranks(scores, {"PSNR": True}) == {"exact": 1.0, "close": 2.0}


@pytest.mark.parametrize("value", [{}, {"SCD": float("nan")}])
def test_a_method_without_a_value_is_named(value):
    with pytest.raises(InputError, match="b has no value of SCD"):
        mean_ranks({"a": {"SCD": 1.0}, "b": value}, {"SCD": True})


def test_ranks_need_a_metric_but_not_a_method():
    assert mean_ranks({}, {"SCD": True}) == {}
    with pytest.raises(InputError, match="without a metric"):
        mean_ranks({"a": {}}, {})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [1, 5, 9])
def test_p_values_are_exact(seed, count):
    first, second = np.random.default_rng(seed).normal(0.4, 1, (2, count))
    expected = p_by_enumeration(first - second)
    assert paired_wilcoxon(first, second) == pytest.approx(expected)
    assert paired_wilcoxon(second, first) == pytest.approx(expected)


def test_pairs_without_a_difference_do_not_count():
    first, second = [5.0, 5.0, 1.0, 2.0, 3.5, 4.25], [5.0, 5.0, 0.0, 4.0, 0.5, 0.0]
    assert paired_wilcoxon(first, second) == pytest.approx(p_by_enumeration([1, -2, 3, 4.25]))


def test_ties_use_the_normal_distribution_with_their_correction():
    differences = np.array([1.0, 1, 1, 2, 2, -1, -2, 3, 3, 3, 4, -4])
    ranks = rankdata(np.abs(differences))
    variance = np.sum(ranks**2) / 4  # of a sum of ranks with random signs, ties or not
    z = (ranks[differences > 0].sum() - ranks.sum() / 2) / np.sqrt(variance)
    found = paired_wilcoxon(differences, np.zeros(12))
    assert found == pytest.approx(2 * norm.sf(abs(z)))


def test_many_pairs_use_the_normal_distribution():
    differences = np.random.default_rng(0).normal(0.2, 1, 60)
    ranks = rankdata(np.abs(differences))
    z = (ranks[differences > 0].sum() - ranks.sum() / 2) / np.sqrt(np.sum(ranks**2) / 4)
    assert paired_wilcoxon(differences, np.zeros(60)) == pytest.approx(2 * norm.sf(abs(z)))


@pytest.mark.parametrize("values", [[], [3.0], [1.0, 2.0, np.inf]])
def test_no_difference_is_no_evidence(values):
    assert paired_wilcoxon(values, values) == 1.0


@pytest.mark.parametrize(
    ("first", "second"), [([1.0, 2.0], [1.0]), ([[1.0]], [[2.0]]), ([np.nan], [1.0])]
)
def test_values_that_are_no_pairs_are_refused(first, second):
    with pytest.raises(ValueError, match="Paired values"):
        paired_wilcoxon(first, second)


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.02, 0.02, 0.9, 0.8]) == pytest.approx([0.08, 0.08, 1.0, 1.0])
    assert holm([]) == []


@pytest.mark.parametrize("values", [[0.5, 1.5], [-0.1], [float("nan")]])
def test_holm_refuses_what_is_no_probability(values):
    with pytest.raises(ValueError, match="within 0 to 1"):
        holm(values)


def test_summary():
    summary = summarize([4.0, 1.0, 3.0, 2.0, 10.0])
    assert (summary.count, summary.mean, summary.median) == (5, 4.0, 3.0)
    assert (summary.minimum, summary.lower_quartile) == (1.0, 2.0)
    assert (summary.upper_quartile, summary.maximum) == (4.0, 10.0)
    assert summary.standard_deviation == pytest.approx(np.sqrt(50 / 4))
    assert summarize([7.0]).standard_deviation == 0
    with pytest.raises(ValueError, match="no values"):
        summarize([])


def test_comparison_counts_and_corrects():
    first = {"SCD": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "VIF": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]}
    second = {"SCD": [0.9, 1.8, 2.7, 3.6, 4.5, 6.0], "VIF": [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]}
    compared = compare_paired(first, second)
    assert (compared["SCD"].larger, compared["SCD"].smaller) == (5, 0)
    assert (compared["VIF"].larger, compared["VIF"].smaller) == (0, 1)
    assert compared["SCD"].median_difference == pytest.approx(0.25)
    assert compared["SCD"].p_value == pytest.approx(2 / 2**5)
    assert compared["SCD"].p_adjusted == pytest.approx(2 * 2 / 2**5)
    assert compared["VIF"].p_value == compared["VIF"].p_adjusted == 1.0
    with pytest.raises(ValueError, match="different metrics"):
        compare_paired(first, {"SCD": second["SCD"]})


@pytest.mark.filterwarnings("error", *NOT_OF_THIS_TEST)
@pytest.mark.parametrize(
    ("values", "quantiles"),
    [
        ([math.inf, math.inf], [math.inf] * 5),
        ([math.inf, 1.0, 2.0, math.inf], [1, 1.75, math.inf, math.inf, math.inf]),
        ([-math.inf, 1.0, 3.0], [-math.inf, -math.inf, 1, 2, 3]),
        ([math.inf], [math.inf] * 5),
    ],
)
def test_infinite_values_have_quantiles(values, quantiles):
    found = summarize(values)
    assert [
        found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum
    ] == quantiles  # fmt: skip
    assert math.isinf(found.mean)
    assert math.isnan(found.standard_deviation) == (len(values) > 1)
