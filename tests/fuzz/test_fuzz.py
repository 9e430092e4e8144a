"""Mutated inputs are read right or refused; ``make fuzz`` reads many more of them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.fuzz.judge import independent, verdict
from tests.fuzz.run import fuzz, made
from tests.fuzz.seeds import inputs, write

COUNT = 300


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # of Pillow, which reads no such TIFF
@pytest.mark.parametrize("name", inputs())
def test_the_whole_input_is_read_at_its_place(tmp_path, name):
    path = write(inputs()[name], tmp_path)
    assert verdict(path) == ("read", "")
    shape = (1, 5, 6, 3) if path.is_dir() else (1, 9, 13, 1)
    if name not in ("tif tiles", "tif big"):  # of another size, and not read by Pillow
        assert independent(path, shape) is not None


def test_an_input_can_be_made_again():
    for index in (0, 17, 250):
        assert made(index, 0) == made(index, 0)
    assert made(1, 0) != made(1, 1)


def test_a_wrong_place_is_a_fault(tmp_path, monkeypatch):
    path = write(inputs()["nii"], tmp_path)
    monkeypatch.setattr("tests.fuzz.judge.independent", lambda *_: np.eye(4))
    assert verdict(path)[0] == "fault"


def test_an_exception_is_a_fault(tmp_path, monkeypatch):
    def broken(path):
        raise KeyError("units")

    monkeypatch.setattr("tests.fuzz.judge.read_volume", broken)
    assert verdict(tmp_path)[0] == "fault"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory on this system")
def test_mutated_inputs_are_read_right_or_refused():
    ends, faults = fuzz(COUNT, seed=0)
    assert not faults, "\n".join(map(str, faults))
    assert ends["refused"] > COUNT / 4
    assert ends["read"] > COUNT / 20
