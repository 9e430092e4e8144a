"""What is made of the numbers."""

from dataclasses import replace

import pytest

from mactfusion.registration.evidence import Evidence
from mactfusion.registration.verdict import (
    DOUBTFUL,
    FEW_BLOCKS,
    GOOD,
    GOOD_OF_FEW,
    IN_PLACE,
    LEAST,
    MIRRORED,
    NO_MATCH,
    OFF,
    SOME_BLOCKS,
    judge,
    score_of,
)

CLEAR = Evidence(0.25, 0.5, 7.0, 0.005, 0.8, 1.0)
NOTHING = Evidence(0.05, 0.0, 0.0, 0.4, 12.0, 1.0)


def with_score(score, gain=0.2):
    """Evidence in which sidedness makes up for the rest."""
    low, high = (Evidence(0.15, 0.3, sided, gain, 4.0, 1.0) for sided in (-1.9, 8.0))
    share = (score - score_of(low)) / (score_of(high) - score_of(low))
    assert 0 <= share <= 1
    return Evidence(0.15, 0.3, -1.9 + share * 9.9, gain, 4.0, 1.0)


def test_clear_evidence_is_good():
    assert judge(CLEAR, 0.5, 0.2, 4.0).name == IN_PLACE
    assert judge(CLEAR, 14.0, 9.0, 4.0).name == OFF
    assert judge(CLEAR, 14.0, 9.0, 4.0).is_sided


def test_nothing_in_common_is_no_match():
    verdict = judge(NOTHING, 14.0, 9.0, 4.0)
    assert verdict.name == NO_MATCH
    assert not verdict.is_applicable


@pytest.mark.parametrize(
    ("score", "name"),
    [(GOOD + 0.1, OFF), (GOOD - 0.1, DOUBTFUL), (LEAST + 0.1, DOUBTFUL), (LEAST - 0.1, NO_MATCH)],
)
def test_thresholds(score, name):
    verdict = judge(with_score(score), 14.0, 9.0, 4.0)
    assert verdict.name == name
    assert verdict.is_good == (name == OFF)
    assert verdict.is_applicable == (name in (OFF, DOUBTFUL))


SOME_EVIDENCE = with_score(GOOD_OF_FEW - 0.1, 0.02)


@pytest.mark.parametrize("evidence", [SOME_EVIDENCE, NOTHING, replace(CLEAR, sidedness=-6.0)])
def test_few_blocks_tell_little(evidence):
    verdict = judge(replace(evidence, blocks=FEW_BLOCKS - 1), 14.0, 9.0, 4.0)
    assert (verdict.name, verdict.is_small, verdict.is_sided) == (DOUBTFUL, True, False)
    assert not judge(replace(evidence, blocks=FEW_BLOCKS * 5), 14.0, 9.0, 4.0).is_small
    very_much = replace(with_score(GOOD_OF_FEW + 0.1, 0.02), blocks=FEW_BLOCKS - 1)
    assert judge(very_much, 14.0, 9.0, 4.0).name == OFF


def test_more_must_speak_for_a_slab():
    whole = with_score(GOOD + 0.5)
    slab, cut = replace(whole, overlap=0.3), replace(whole, blocks=SOME_BLOCKS - 1)
    assert judge(whole, 0.5, 0.2, 4.0).name == IN_PLACE
    assert judge(replace(whole, blocks=SOME_BLOCKS), 0.5, 0.2, 4.0).name == IN_PLACE
    for part in (slab, cut):
        verdict = judge(part, 0.5, 0.2, 4.0)
        assert (verdict.name, verdict.is_small) == (DOUBTFUL, False)
    assert judge(replace(CLEAR, overlap=0.3), 0.5, 0.2, 4.0).name == IN_PLACE


def test_the_mirror_image_that_matches_better_is_said():
    assert judge(Evidence(0.25, 0.5, -4.0, 0.02, 2.0, 1.0), 2.0, 1.0, 4.0).name == MIRRORED


@pytest.mark.parametrize(("voxel_mm", "in_place_mm", "off_mm"), [(1.0, 2.9, 3.1), (5.0, 4.9, 5.1)])
def test_in_place_is_under_a_voxel_or_as_exact_as_the_check_is(voxel_mm, in_place_mm, off_mm):
    assert judge(CLEAR, in_place_mm, 0.0, voxel_mm).name == IN_PLACE
    assert judge(CLEAR, off_mm, 0.0, voxel_mm).name == OFF


def test_more_evidence_is_a_higher_score():
    base = Evidence(0.15, 0.3, 1.0, 0.08, 4.0, 1.0)
    for better in (
        Evidence(0.15, 0.4, 1.0, 0.08, 4.0, 1.0),
        Evidence(0.15, 0.3, 3.0, 0.08, 4.0, 1.0),
        Evidence(0.15, 0.3, 1.0, 0.01, 4.0, 1.0),
    ):
        assert score_of(better) > score_of(base)
