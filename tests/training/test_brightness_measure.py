from __future__ import annotations

import numpy as np
import pytest

from training.brightness import Case, steadiness


def case_of(gains) -> Case:
    """A head of equal slices, whose fused volume is the MR times a gain a slice."""
    anatomical = np.zeros((len(gains), 32, 32), "float32")
    anatomical[:, 4:-4, 4:-4] = np.random.default_rng(0).uniform(0.62, 0.8, (24, 24))
    fused = anatomical * np.asarray(gains, "float32")[:, None, None]
    return Case("head", anatomical, np.zeros_like(anatomical), fused, anatomical)


def test_what_equals_its_source_is_steady():
    case = case_of([0.5, 0.9, 0.5, 0.9])
    steady = steadiness(case.after, case)
    assert (steady.mean_jump, steady.tissue_jump, steady.tissue_spread) == pytest.approx((0, 0, 0))


def test_a_jump_is_measured_as_large_as_it_is():
    case = case_of([0.5, 0.9, 0.5, 0.9])
    jumping = steadiness(case.before, case)
    assert jumping.mean_jump == pytest.approx(np.log(0.9 / 0.5), rel=1e-4)
    assert jumping.tissue_jump == pytest.approx(np.log(0.9 / 0.5), rel=1e-4)
    assert jumping.tissue_spread == pytest.approx(0.2 / 0.7, rel=1e-4)
    assert jumping.clipped == 0
