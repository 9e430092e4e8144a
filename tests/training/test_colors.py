"""The measurement of colours, on two small volumes."""

from __future__ import annotations

import numpy as np
import pytest

from training.color_study.cases import fused_both_ways
from training.color_study.measure import readability
from training.color_study.page import case_tables


@pytest.mark.filterwarnings("ignore")
def test_legible_colors_say_uptake_and_those_of_the_literature_less():
    rng = np.random.default_rng(0)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    anatomical = rng.random((48, 48, 6)).astype("float32") * 900
    uptake = np.linspace(0, 8000, 48, dtype="float32")[:, None, None] * np.ones((48, 48, 6), "f4")
    shown = fused_both_ways("noise", (anatomical, affine), (uptake, affine), "pet-mri")
    found = {("noise", colors): readability(shown, colors) for colors in ("ycbcr", "legible")}
    legible, former = found["noise", "legible"], found["noise", "ycbcr"]
    assert legible.of_uptake >= 0.98
    assert abs(legible.of_anatomy) <= 0.1
    assert legible.error_95 <= 0.03 < former.error_95
    assert legible.difference >= 0.02 > former.difference
    assert "| noise | `legible` |" in case_tables(found)
