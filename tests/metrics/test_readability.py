"""Whether colour says uptake, on colours whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from mactfusion.errors import InputError
from mactfusion.metrics.readability import readability

RNG = np.random.default_rng(0)
UPTAKE = RNG.uniform(0, 1, (60, 50))
MR = np.clip(0.5 * UPTAKE + RNG.uniform(0, 0.6, UPTAKE.shape), 0, 1)


def colors(chroma, hue):
    return np.stack([MR, chroma * np.cos(hue), chroma * np.sin(hue)])


def test_chroma_and_hue_that_follow_uptake_are_read():
    found = readability(colors(0.17 * UPTAKE, 2 * UPTAKE), UPTAKE, MR)
    assert found.chroma == pytest.approx(1, abs=1e-6)
    assert found.hue == pytest.approx(1, abs=1e-6)
    assert abs(found.chroma_of_anatomy) < 0.05 or found.chroma_of_anatomy == 0


def test_colour_that_fades_over_bright_mr_is_seen():
    faded = readability(colors(0.17 * UPTAKE * (1 - MR), 1.0 + 0 * MR), UPTAKE, MR)
    assert faded.chroma_of_anatomy < -0.4
    assert faded.chroma < 0.95
    assert faded.hue == 0, "one hue says nothing"


def test_a_partial_correlation_is_that_of_what_is_left():
    chroma = UPTAKE + 0.5 * MR + 0.05 * RNG.standard_normal(MR.shape)
    keep = UPTAKE > 0.15
    ranks = [values[keep].argsort().argsort() for values in (chroma, UPTAKE, MR)]
    left = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    expected = np.corrcoef(left)[0, 1]
    assert readability(colors(chroma, 0 * MR), UPTAKE, MR).chroma == pytest.approx(
        expected, abs=1e-4
    )
    assert abs(expected - spearmanr(chroma[keep], UPTAKE[keep]).statistic) > 0.01


def test_a_turn_of_the_hue_does_not_matter():
    one, other = (
        readability(colors(0.1, 2 * UPTAKE + turn), UPTAKE, MR).hue for turn in (0.0, 2.5)
    )
    assert one == pytest.approx(other, abs=1e-9)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="differ in shape"):
        readability(colors(UPTAKE, 0)[:, :5], UPTAKE, MR)
    with pytest.raises(InputError, match="nothing to read"):
        readability(colors(UPTAKE, 0), 0 * UPTAKE, MR)
