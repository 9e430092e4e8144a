"""Pairs of GFP and phase contrast, to train and to test on."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from refused import assert_refused
from typer import Typer
from typer.testing import CliRunner

from mactfusion.engine.pairs import list_pairs
from training import gfp_pairs


@pytest.fixture
def folder(tmp_path):
    """Nine pairs of 6 x 8 pixels, and one of unequal sizes."""
    for number in range(10):
        rng = np.random.default_rng(number)
        for kind, end, width in (("GFP", "g", 8), ("PCI", "t", 9 if number == 4 else 8)):
            path = tmp_path / "images" / kind / f"0{number}-A-{end}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (6, width, 3), np.uint8)).save(path)
    return tmp_path / "images"


def run(folder, output, *words):
    app = Typer()
    app.command()(gfp_pairs.main)
    return CliRunner().invoke(app, [str(folder), "--output", str(output), *words])


def cases(output, part):
    return [int(pair["case"]) for pair in list_pairs(output, part)]


def test_training_and_test_pairs_are_apart(folder, tmp_path):
    result = run(folder, tmp_path / "pairs")
    assert result.exit_code == 0, result.output
    assert "train 7, test 2; left out for unequal sizes: 1" in result.output
    assert sorted(cases(tmp_path / "pairs", "test")) == [4, 8]
    assert sorted(cases(tmp_path / "pairs", "train")) == [1, 2, 3, 5, 6, 7, 9]
    pair = list_pairs(tmp_path / "pairs", "test")[0]
    assert pair["task"] == "gfp-pc"
    source = folder / "PCI" / "03-A-t.jpg"  # the fourth of those of equal sizes
    assert np.array_equal(Image.open(pair["anatomical"]), Image.open(source))


def test_fewer_training_pairs_leave_the_test_pairs_as_they_are(folder, tmp_path):
    result = run(folder, tmp_path / "pairs", "--train", "3")
    assert result.exit_code == 0, result.output
    assert sorted(cases(tmp_path / "pairs", "train")) == [1, 5, 9]
    assert sorted(cases(tmp_path / "pairs", "test")) == [4, 8]


def test_a_folder_that_is_there_stays_as_it_is(folder, tmp_path):
    (tmp_path / "pairs").mkdir()
    assert_refused(run(folder, tmp_path / "pairs"), "pairs exists already; give a new folder.")
    assert list((tmp_path / "pairs").iterdir()) == []


def test_nothing_half_written_is_left(folder, tmp_path):
    for path in folder.glob("*/09-*.jpg"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(path)
    path = folder / "GFP" / "09-A-g.jpg"
    path.write_bytes(path.read_bytes()[:-900])  # its size is told, its pixels are not all there
    assert_refused(run(folder, tmp_path / "out" / "pairs"), "09-A-g.jpg is not a readable picture")
    assert list((tmp_path / "out").iterdir()) == []
