"""Shares, strengths and agreement, against libraries and against what is known to be true."""

from __future__ import annotations

import choix
import krippendorff
import numpy as np
import pytest

from mactfusion.study.agreement import (
    agreement_with_others,
    fleiss_kappa,
    kappa_interval,
    ordinal_alpha,
)
from mactfusion.study.choices import (
    Choices,
    are_comparable,
    strength_intervals,
    strengths,
    wilson,
)

TRUE = np.array([0.4, 0.3, 0.2, 0.1])
SOME = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1]] * 3, bool)
FULL = np.ones((12, 4), bool)


def drawn(offered, readers, seed=0):
    """Choices of readers who follow the model."""
    rng = np.random.default_rng(seed)
    chances = offered * TRUE / (offered @ TRUE)[:, None]
    rows = [[rng.choice(4, p=chance) for chance in chances] for _ in range(readers)]
    return Choices(np.array(rows), offered)


def as_lists(choices):
    """``(chosen, the others)`` of every choice, as choix takes them."""
    for row in choices.chosen:
        for chosen, offered in zip(row.tolist(), choices.offered, strict=True):
            yield chosen, tuple(np.flatnonzero(offered)[np.flatnonzero(offered) != chosen].tolist())


@pytest.mark.parametrize("offered", [SOME, FULL], ids=["some methods a case", "all methods"])
def test_strengths_are_those_of_choix(offered):
    choices = drawn(offered, readers=8)
    found = np.exp(choix.mm_top1(4, list(as_lists(choices))))
    assert strengths(choices) == pytest.approx(found / found.sum(), abs=1e-7)


def test_where_all_are_shown_pairs_of_bradley_and_terry_give_the_shares():
    choices = drawn(FULL, readers=8)
    pairs = [(chosen, other) for chosen, others in as_lists(choices) for other in others]
    found = np.exp(choix.ilsr_pairwise(4, pairs))
    assert strengths(choices) == pytest.approx(found / found.sum(), abs=1e-7)
    shares = choices.wins.mean(axis=(0, 1))
    assert strengths(choices) == pytest.approx(shares, abs=1e-12)


def test_of_pairs_it_is_the_model_of_bradley_and_terry():
    offered = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]] * 4, bool)
    rng = np.random.default_rng(1)
    chosen = np.array([[rng.choice(np.flatnonzero(row)) for row in offered] for _ in range(5)])
    choices = Choices(chosen, offered)
    pairs = [(chosen, others[0]) for chosen, others in as_lists(choices)]
    found = np.exp(choix.ilsr_pairwise(3, pairs))
    assert strengths(choices) == pytest.approx(found / found.sum(), abs=1e-7)


def test_without_a_chain_of_choices_nothing_is_comparable():
    assert are_comparable(drawn(FULL, readers=8))
    apart = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], bool)
    assert not are_comparable(Choices(np.array([[0, 2], [1, 3]]), apart))
    chain = np.array([[1, 1, 0], [0, 1, 1]], bool)
    assert not are_comparable(Choices(np.array([[0, 1]]), chain))  # 0 is infinitely above 1
    assert are_comparable(Choices(np.array([[0, 1], [1, 1]]), chain))  # 2 is never chosen


def test_who_is_never_chosen_has_no_strength_and_no_interval():
    choices = Choices(np.array([[0, 1, 0], [0, 0, 1]]), np.ones((3, 3), bool))
    assert strengths(choices).tolist() == pytest.approx([4 / 6, 2 / 6, 0])
    first, second, never = strength_intervals(choices)
    assert never is None
    assert first is not None
    assert first[0] < 4 / 6 < first[1]
    assert second == pytest.approx((1 - first[1], 1 - first[0]))
    assert strength_intervals(choices) == strength_intervals(choices)


def clustered(rng, readers, cases, kappa):
    """Readers who choose in each case by chances of that case; kappa is then known."""
    chances = rng.dirichlet((1 / kappa - 1) * TRUE, cases)
    rows = [[rng.choice(4, p=chance) for chance in chances] for _ in range(readers)]
    return Choices(np.array(rows), np.ones((cases, 4), bool))


def test_intervals_hold_what_is_true_where_readers_agree_about_cases():
    """As often as they promise, but for chance; Wilson's do not, as the page says."""
    rng = np.random.default_rng(0)
    runs, held = 60, {"strength": 0, "kappa": 0, "share": 0}
    for _ in range(runs):
        choices = clustered(rng, readers=20, cases=15, kappa=0.25)
        low, high = strength_intervals(choices)[0]
        held["strength"] += low <= TRUE[0] <= high
        low, high = kappa_interval(choices.chosen, 4)
        held["kappa"] += low <= 0.25 <= high
        low, high = wilson(int((choices.chosen == 0).sum()), choices.chosen.size)
        held["share"] += low <= TRUE[0] <= high
    assert held["strength"] >= 0.9 * runs
    assert held["kappa"] >= 0.85 * runs
    assert held["share"] < 0.8 * runs


def test_kappa_is_that_of_a_library():
    """By its alpha of named values, which differs by the size of the sample alone."""
    chosen = drawn(FULL, readers=6, seed=3).chosen
    alpha = krippendorff.alpha(
        chosen.astype(float), level_of_measurement="nominal", value_domain=[0, 1, 2, 3]
    )
    expected = 1 - (1 - alpha) * chosen.size / (chosen.size - 1)
    assert fleiss_kappa(chosen, 4) == pytest.approx(expected, abs=1e-12)
    low, high = kappa_interval(chosen, 4)
    assert low < fleiss_kappa(chosen, 4) < high


def test_kappa_of_a_worked_example():
    """Fourteen raters, ten subjects, five categories: kappa is 0.210 in textbooks."""
    table = [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
    rows = [np.repeat(np.arange(5), counts) for counts in table]
    assert fleiss_kappa(np.array(rows).T, 5) == pytest.approx(0.210, abs=5e-4)


def test_agreement_that_cannot_be_told_is_none():
    same = np.zeros((3, 4), int)
    assert fleiss_kappa(same, 2) is None
    assert fleiss_kappa(np.array([[0, 1, 0, 1]]), 2) is None
    assert kappa_interval(same, 2) is None
    assert kappa_interval(np.array([[0, 1], [1, 0]]), 2) is None
    agreed = np.array([[0, 1, 0, 1, 1]] * 3)
    assert fleiss_kappa(agreed, 2) == 1
    assert kappa_interval(agreed, 2) is None  # no case changes it, and another may
    assert agreement_with_others(same[:1]) == [None]
    assert ordinal_alpha(np.array([[1.0, 2.0]])) is None
    assert ordinal_alpha(np.full((2, 3), 4.0)) is None
    assert ordinal_alpha(np.array([[1.0, np.nan], [np.nan, 2.0]])) is None
    assert ordinal_alpha(np.array([[1.0, np.nan, 3.0], [1.0, 2.0, np.nan]])) is None


def test_agreement_with_others():
    chosen = np.array([[0, 1, 2, 0], [0, 1, 2, 1], [0, 0, 0, 0]])
    assert agreement_with_others(chosen) == pytest.approx([(3 + 2) / 8, (3 + 1) / 8, (2 + 1) / 8])


def test_alpha_of_ratings_takes_their_order_and_what_is_missing():
    ratings = np.array([[1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5]])
    close, far = (ratings.copy() for _ in range(2))
    close[1, 0], far[1, 0] = 2, 5
    assert ordinal_alpha(far) < ordinal_alpha(close) < ordinal_alpha(ratings) < 1
