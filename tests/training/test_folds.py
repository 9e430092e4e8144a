"""Folds by case, of the training folders alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from small_comparison import rows_of
from typer import Typer
from typer.testing import CliRunner

from mactfusion.engine.pairs import training_pairs
from mactfusion.errors import InputError
from training import folds
from training.comparison.scores import find_pairs

SIZES = {"CT-MRI": {1: 4, 2: 3, 3: 2, 4: 2}, "PET-MRI": {3: 2, 5: 5, 6: 5}}


@pytest.fixture
def folder(tmp_path):
    """Slices of the cases of each task to train on, and one of each case to test on."""
    for task, cases in SIZES.items():
        for case, size in cases.items():
            for index in range(size + 1):
                part = "test" if index == size else "train"
                for modality in ("MRI", task[:-4]):
                    rng = np.random.default_rng([case, index, modality != "MRI"])
                    path = tmp_path / "data" / task / part / modality / f"{case}{index:03}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(rng.integers(0, 256, (6, 8), dtype=np.uint8)).save(path)
    return tmp_path / "data"


def run(folder, output, *words):
    app = Typer()
    app.command()(folds.main)
    return CliRunner().invoke(app, [str(folder), "--output", str(output), *words])


def read(path):
    return json.loads(path.read_text())["pairs"]


def test_each_case_is_held_out_once_in_all_tasks(folder, tmp_path):
    result = run(folder, tmp_path / "out")
    assert result.exit_code == 0, result.output
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == ["fold-1.json", "fold-2.json", "fold-3.json"]
    held = []
    for path in files:
        pairs = read(path)
        assert len(pairs) == sum(sum(cases.values()) for cases in SIZES.values())
        assert all("/train/" in p["anatomical"] and "/train/" in p["partner"] for p in pairs)
        assert {p["split"] for p in pairs} == {"train", "validation"}
        for task in ("ct-mri", "pet-mri"):
            assert {p["split"] for p in pairs if p["task"] == task} == {"train", "validation"}
        cases = {
            part: {p["case"] for p in pairs if p["split"] == part}
            for part in ("train", "validation")
        }
        assert not cases["train"] & cases["validation"]
        held += sorted(cases["validation"])
    assert sorted(held) == ["1", "2", "3", "4", "5", "6"]


def test_folds_are_about_as_large(folder):
    for pairs in folds.make_folds(folder, 3, seed=0):
        held = [p["task"] for p in pairs if p["split"] == "validation"]
        assert 3 <= held.count("ct-mri") <= 4
        assert 2 <= held.count("pet-mri") <= 5


def test_the_seed_decides_and_nothing_else(folder, tmp_path):
    pairs = folds.make_folds(folder, 2, 0)[0]
    drawn = [folds.fold_of_cases(pairs, 2, seed) for seed in range(8)]
    assert drawn[0] == folds.fold_of_cases(pairs[::-1], 2, 0)
    assert any(other != drawn[0] for other in drawn)


def test_training_and_scoring_read_them(folder, tmp_path):
    assert run(folder, tmp_path, "--count", "2").exit_code == 0
    path = tmp_path / "fold-2.json"
    training, validation = training_pairs(folder, split_file=path)
    assert len(training) + len(validation) == len(read(path))
    scored = find_pairs(folder, path, "validation")
    assert {str(pair.anatomical) for pair in scored} == {p["anatomical"] for p in validation}


def test_a_comparison_scores_the_fold(folders, tmp_path):
    from small_comparison import run as compare

    pairs = tmp_path / "pairs"
    (pairs / "CT-MRI/test").rename(pairs / "CT-MRI/train")
    names = [
        {
            "anatomical": f"CT-MRI/train/MRI/{case}001.png",
            "partner": f"CT-MRI/train/CT/{case}001.png",
            "task": "ct-mri",
            "case": str(case),
            "split": part,
        }
        for case, part in ((1, "train"), (2, "validation"))
    ]
    folds.write_split(tmp_path / "fold.json", "fold-1", "By hand.", names)
    words = ("--split", tmp_path / "fold.json", "--part", "validation")
    result = compare(folders, *words)
    assert result.exit_code == 0, result.output
    rows = rows_of(folders / "docs" / "scores.csv")
    assert {row["picture"] for row in rows} == {"2001.png"}


@pytest.mark.parametrize(("count", "sentence"), [(4, "pet-mri has too few cases (3) for 4 folds")])
def test_too_many_folds_are_refused(folder, tmp_path, count, sentence):
    result = run(folder, tmp_path / "out", "--count", str(count))
    assert result.exit_code == 2
    assert sentence in result.output
    assert not (tmp_path / "out").exists()


def test_a_fold_without_a_task_is_refused():
    """Each two of three cases share a task, so that two folds cannot keep all of them apart."""
    cases = {"ct-mri": ("1", "2"), "pet-mri": ("2", "3"), "spect-mri": ("1", "3")}
    pairs = [
        {"task": task, "case": case, "anatomical": "", "partner": "", "split": "train"}
        for task, of_task in cases.items()
        for case in of_task
    ]
    with pytest.raises(InputError, match="are too unequal for 2 folds, of which one would have"):
        folds.fold_of_cases(pairs, 2, 0)
