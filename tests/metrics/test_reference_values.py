"""Every metric and variant against values of published implementations."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from mactfusion.metrics import METRICS, VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = METRICS | VARIANTS
WITHOUT_REFERENCE = {"EN_float", "SF_mn", "LOST", "INVENTED"}
SLOW = ("FSIM", "FSIM_dil")


@lru_cache
def _luminance(path: Path) -> np.ndarray:
    pixels = np.asarray(Image.open(path), dtype=float)
    return pixels if pixels.ndim == 2 else np.round(pixels @ (0.299, 0.587, 0.114))


@lru_cache
def _expected(reference: Path) -> dict[str, dict[str, float]]:
    cases = json.loads((reference / "specs/golden/metrics_reference.json").read_text())
    return {key: values for key, values in cases.items() if not key.startswith("_")}


def test_every_name_of_the_reference_is_there(reference):
    cases = _expected(reference)
    assert len(cases) == 36
    assert {name for values in cases.values() for name in values} == set(
        FUNCTIONS
    ) - WITHOUT_REFERENCE


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in FUNCTIONS
        if name not in WITHOUT_REFERENCE
    ],
)
def test_equals_published_implementations(name, reference):
    differences = {}
    for case, expected in _expected(reference).items():
        method, task, picture = case.split("/")
        partner, mr = task.split("-")
        test = reference / "data" / "wba" / task / "test"
        value = FUNCTIONS[name](
            _luminance(reference / "peers" / method / task / f"{picture}.png"),
            _luminance(test / partner / f"{picture}.png"),
            _luminance(test / mr / f"{picture}.png"),
        )
        differences[case] = abs(value - expected[name]) / max(1, abs(expected[name]))
    worst = max(differences, key=differences.__getitem__)
    assert differences[worst] < 1e-6, worst
