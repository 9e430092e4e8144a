"""Ranks and paired tests of methods, on scores by hand."""

from __future__ import annotations

import pytest

from mactfusion.errors import InputError
from mactfusion.metrics import METRICS
from training.comparison import pages


def table(**methods):
    """Scores of six pictures; each method has one value, plus a little of each picture's own."""
    return {
        method: {str(i): dict.fromkeys(METRICS, value + 0.01 * i) for i in range(6)}
        for method, value in methods.items()
    }


def test_best_rank_comes_first_and_equals_share():
    ranks = pages.rank_methods(table(worse=0.1, best=0.9, same=0.9))
    assert ranks == {"best": 1.5, "same": 1.5, "worse": 3.0}
    assert list(ranks)[-1] == "worse"


def test_significance_is_corrected_over_all_of_the_task():
    of_task = table(ours=0.5, theirs=0.4, equal=0.5)
    for index, values in enumerate(of_task["theirs"].values()):
        values.update({name: value - 0.001 * index for name, value in values.items()})
    tests = pages.compare_with_others("ours", of_task)
    assert set(tests) == {"theirs", "equal"}
    # Six differences of one sign have p = 2 / 2^6; Holm's factor is the number of all tests.
    assert tests["theirs"]["SCD"].p_value == pytest.approx(2 / 64 * 10)
    assert tests["theirs"]["SCD"].difference == pytest.approx(0.1025)
    assert tests["equal"]["VIF"] == pages.PairedTest(0.0, 1.0)


def test_methods_on_other_pictures_are_not_compared():
    of_task = table(ours=0.5, theirs=0.4)
    del of_task["theirs"]["3"]
    with pytest.raises(InputError, match="different pictures"):
        pages.compare_with_others("ours", of_task)
