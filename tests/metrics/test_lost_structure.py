"""What a fused picture lost of two others, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mactfusion.errors import InputError
from mactfusion.metrics import LARGER_IS_BETTER, METRICS
from mactfusion.metrics.lost_structure import invented_structure, lost_structure
from mactfusion.structure.marks import KEPT_BELOW, mark

ROWS, COLUMNS = np.mgrid[:96, :96].astype(float)


def disk(row, column, diameter):
    return np.clip(diameter / 2 - np.hypot(ROWS - row, COLUMNS - column) + 0.5, 0, 1)


A = 100 + 80 * disk(30, 30, 12)
B = 100 + 80 * disk(66, 60, 6)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_a_share_that_is_kept_is_seen_as_that_share(share):
    fused = 100 + 80 * share * disk(30, 30, 12) + 80 * disk(66, 60, 6)
    pictures = [np.float32(picture / 255)[None] for picture in (fused, A, B)]
    marks = mark(pictures[0][None], np.stack(pictures[1:]), (1.0, 1.0))
    at_edge = (0, 0, 15, 12)
    assert marks.kept[at_edge] == pytest.approx(share, abs=0.04)
    assert marks.is_lost[at_edge] == (share < KEPT_BELOW)
    assert not marks.is_lost[1].any()


def test_all_half_and_nothing_is_lost():
    assert lost_structure(A, A, np.zeros_like(A)) == 0
    assert lost_structure((A + B) / 2, A, B) == 0
    assert lost_structure(B, A, B) > 0.4
    assert lost_structure(A, A, A) == 0, "what both have is nobody's own"
    assert lost_structure(np.full_like(A, 100), A, B) == 1


def test_dark_is_not_bright():
    assert lost_structure(200 - (A - 100), A, np.zeros_like(A)) == 1


def test_what_no_source_has_is_invented():
    assert invented_structure(A + 80 * disk(66, 60, 6), A, np.zeros_like(A)) > 0.2
    assert invented_structure((A + B) / 2, A, B) == 0


def test_noise_and_air_are_no_structure():
    noise = np.random.default_rng(0).normal(0, 3, A.shape)
    air = np.where(disk(48, 48, 80) > 0, 100, np.abs(noise))
    assert lost_structure(np.where(air < 20, 0, 100), air, np.zeros_like(air)) < 0.2
    grey = np.full_like(A, 100)
    assert lost_structure(grey, grey + noise, np.zeros_like(air)) == 0


def test_spacing_decides_how_large_structure_is():
    wide = np.float32(A[::2, ::2] / 255)[None]
    one = mark(wide[None], np.stack([wide, 0 * wide]), (2.0, 2.0))
    other = mark(wide[None], np.stack([wide, 0 * wide]), (1.0, 1.0))
    assert one.steps == other.steps == (2, 2)
    assert (one.own[0] > 0).sum() != (other.own[0] > 0).sum()
    fine = np.float32(np.kron(A, np.ones((4, 4))) / 255)[None]
    assert mark(fine[None], np.stack([fine, 0 * fine]), (0.25, 0.25)).steps == (8, 8)


def test_a_transposed_picture_is_the_same():
    fused = np.maximum(A, B)
    turned = lost_structure(fused.T, A.T, B.T)
    assert turned == pytest.approx(lost_structure(fused, A, B), abs=1e-3)


def test_they_are_metrics_of_which_less_is_better():
    assert METRICS["LOST"] is lost_structure
    assert METRICS["INVENTED"] is invented_structure
    assert LARGER_IS_BETTER["LOST"] is LARGER_IS_BETTER["INVENTED"] is False
    with pytest.raises(InputError):
        lost_structure(A[:5], A[:5], B[:5])
