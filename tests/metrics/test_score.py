"""The scoring command on a small folder of pairs."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from mactfusion.errors import InputError
from mactfusion.metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("1001.png", "2001.png")


@pytest.fixture
def score(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("training.score")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Pairs of two tasks (CT grey, PET colour) and a method that is 0.7 MR + 0.3 partner."""
    generator = np.random.default_rng(3)
    for task, partner in (("CT-MRI", "CT"), ("PET-MRI", "PET")):
        for name in NAMES:
            size = (44, 48) if partner == "CT" else (44, 48, 3)
            image = generator.integers(0, 256, size, dtype=np.uint8)
            mr = generator.integers(0, 256, (44, 48), dtype=np.uint8)
            grey = image if image.ndim == 2 else image.mean(axis=2)
            test = tmp_path / "pairs" / task / "test"
            _save(test / partner / name, image)
            _save(test / "MRI" / name, mr)
            _save(tmp_path / "weighted" / task / name, (0.7 * mr + 0.3 * grey).astype(np.uint8))
    return tmp_path / "pairs", tmp_path / "weighted"


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _run(score, *arguments: object):
    app = Typer()
    app.command()(score.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_colour_is_read_as_rounded_bt601_luminance(score, tmp_path):
    _save(tmp_path / "colour.png", np.array([[[255, 0, 0], [0, 255, 0], [1, 2, 200]]], np.uint8))
    assert score.read_luminance(tmp_path / "colour.png").tolist() == [[76, 150, 24]]


def test_folder_and_arrays_give_the_same_means(score, folders):
    pairs, weighted = folders
    by_task = score.score_folder(weighted, pairs)
    assert list(by_task) == ["CT-MRI", "PET-MRI"]
    read = {
        key: [score.read_luminance(folder / name) for name in NAMES]
        for key, folder in {
            "fused": weighted / "PET-MRI",
            "a": pairs / "PET-MRI/test/MRI",
            "b": pairs / "PET-MRI/test/PET",
        }.items()
    }
    assert score.score_pairs(read["fused"], read["a"], read["b"]) == pytest.approx(
        by_task["PET-MRI"], abs=1e-12
    )


def test_processes_change_nothing(score, folders):
    pairs, weighted = folders
    assert score.score_folder(weighted, pairs, jobs=2) == score.score_folder(weighted, pairs)


def test_baselines_are_computed(score):
    first, second = np.array([[3.0, 10.0]]), np.array([[6.0, 4.0]])
    assert score.pixel_average(first, second).tolist() == [[4, 7]]
    assert score.pixel_maximum(first, second).tolist() == [[6, 10]]


def test_equals_share_their_rank(score):
    scores = {
        "best": dict.fromkeys(METRICS, 0.9),
        "worse": dict.fromkeys(METRICS, 0.1),
        "same": dict.fromkeys(METRICS, 0.9),
    }
    assert score.mean_ranks(scores) == {"best": 1.5, "worse": 3.0, "same": 1.5}


def test_command_prints_and_writes_every_method(score, folders, tmp_path):
    pairs, weighted = folders
    result = _run(score, pairs, weighted, "--csv", tmp_path / "scores.csv")
    assert result.exit_code == 0, result.output
    assert all(word in result.output for word in ("CT-MRI", "PET-MRI", "Qabf", "weighted"))
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["average", "maximum", "weighted"] * 2
    ranks = [float(row["mean_rank"]) for row in rows if row["task"] == "CT-MRI"]
    assert sum(ranks) == pytest.approx(6.0)
    assert float(rows[2]["SCD"]) == score.score_folder(weighted, pairs)["CT-MRI"]["SCD"]


def test_folder_named_like_a_baseline_takes_its_place(score, folders, tmp_path):
    pairs, weighted = folders
    weighted.rename(tmp_path / "average")
    result = _run(score, pairs, tmp_path / "average", "--csv", tmp_path / "scores.csv")
    assert result.exit_code == 0, result.output
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        rows = {(row["task"], row["method"]): row for row in csv.DictReader(file)}
    expected = score.score_folder(tmp_path / "average", pairs)["CT-MRI"]["VIF"]
    assert float(rows["CT-MRI", "average"]["VIF"]) == expected


def test_task_without_a_folder_is_left_out(score, folders):
    pairs, weighted = folders
    for name in NAMES:
        (weighted / "PET-MRI" / name).unlink()
    (weighted / "PET-MRI").rmdir()
    assert list(score.score_folder(weighted, pairs)) == ["CT-MRI"]


def _remove_a_fused_picture(pairs: Path, weighted: Path) -> None:
    (weighted / "CT-MRI" / NAMES[0]).unlink()


def _remove_a_source(pairs: Path, weighted: Path) -> None:
    (pairs / "CT-MRI/test/CT" / NAMES[0]).unlink()


def _crop_a_fused_picture(pairs: Path, weighted: Path) -> None:
    _save(weighted / "CT-MRI" / NAMES[0], np.zeros((44, 44), np.uint8))


def _crop_a_source(pairs: Path, weighted: Path) -> None:
    _save(pairs / "CT-MRI/test/CT" / NAMES[0], np.zeros((44, 44), np.uint8))


def _write_text(pairs: Path, weighted: Path) -> None:
    (weighted / "CT-MRI" / NAMES[0]).write_text("no picture")


def _write_16_bit(pairs: Path, weighted: Path) -> None:
    _save(weighted / "CT-MRI" / NAMES[0], np.full((44, 48), 1000, np.uint16))


def _rename_the_method(pairs: Path, weighted: Path) -> None:
    weighted.rename(weighted.with_name("elsewhere"))


def _empty_the_pairs(pairs: Path, weighted: Path) -> None:
    pairs.rename(pairs.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_remove_a_fused_picture, "1 fused pictures are missing"),
        (_remove_a_source, "the same PNG names"),
        (_crop_a_fused_picture, "its sources are"),
        (_crop_a_source, "differ in size"),
        (_write_text, "not a readable picture"),
        (_write_16_bit, "more than 8 bits"),
        (_rename_the_method, "All fused pictures are missing"),
        (_empty_the_pairs, "no test pairs"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(damage, sentence, score, folders):
    pairs, weighted = folders
    damage(pairs, weighted)
    result = _run(score, pairs, weighted)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("lists", [([], [], []), ([np.zeros((44, 44))], [], [])])
def test_pictures_in_memory_must_come_in_threes(score, lists):
    with pytest.raises((InputError, ValueError)):
        score.score_pairs(*lists)
