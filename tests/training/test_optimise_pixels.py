"""Pixels under a training criterion, without a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from mactfusion.errors import InputError
from training import optimise_pixels
from training.comparison.scores import find_pairs

CONFIGS = Path(__file__).resolve().parents[2] / "monai_bundle" / "configs"
PAIRS = {"CT-MRI": "1001.png", "PET-MRI": "2001.png"}
BY_TASK = """
loss:
  _target_: mactfusion.losses.FusionLoss
  terms:
  - weight: {pet-mri: 5.0}
    term: {_target_: mactfusion.losses.DifferenceCorrelationLoss}
  - {weight: 1.0, term: {_target_: mactfusion.losses.RangeLoss}}
"""


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two pairs of 48 x 56 pixels: blurred noise, PET in colour."""
    generator = np.random.default_rng(0)
    for task, name in PAIRS.items():
        test = tmp_path / "pairs" / task / "test"
        coarse = generator.integers(0, 256, (2, 12, 14), dtype=np.uint8)
        first, second = (np.kron(noise, np.ones((4, 4), np.uint8)) for noise in coarse)
        save(test / "MRI" / name, first)
        color = np.stack([second, second // 2, 255 - second], axis=-1)
        save(test / task[:-4] / name, color if task == "PET-MRI" else second)
    return tmp_path


def run(folder, *words):
    app = Typer()
    app.command()(optimise_pixels.main)
    arguments = [folder / "pairs", folder / "out", "--jobs", "1", *words]
    return CliRunner().invoke(app, [str(word) for word in arguments])


@pytest.mark.parametrize("laid_over", [(), ("train_quality",)])
def test_the_criterion_falls_and_pictures_are_written(folder, laid_over):
    configs = [word for name in ("train", *laid_over) for word in ("--config", config(name))]
    result = run(folder, *configs, "--steps", "12")
    assert result.exit_code == 0, result.output
    values = [line.split("criterion ")[1].split(" to ") for line in result.output.splitlines()
              if "criterion " in line]  # fmt: skip
    assert len(values) == 2
    assert all(float(last) < float(first) for first, last in values)
    for task, name in PAIRS.items():
        with Image.open(folder / "out" / task / name) as picture:
            assert (picture.mode, picture.size) == ("L", (56, 48))
    assert result.output.count("| optimised | ") == 2
    assert "| method | SCD | MS_SSIM | Qabf | Qw | VIF |" in result.output


def config(name):
    return CONFIGS / f"{name}.yaml"


def test_the_weight_is_that_of_the_task(folder):
    (folder / "by_task.yaml").write_text(BY_TASK)
    criterion = optimise_pixels.read_criterion([folder / "by_task.yaml"])
    losses = {
        pair.task: optimise_pixels.optimise_pair(pair, criterion, 5, folder / "out")
        for pair in find_pairs(folder / "pairs")
    }
    # Nothing but the range, which the pixel maximum keeps, is asked for where a task has no weight.
    assert losses["CT-MRI"] == [0.0] * 6
    assert losses["PET-MRI"][-1] < losses["PET-MRI"][0]
    sources = [
        np.asarray(Image.open(folder / "pairs/CT-MRI/test" / kind / PAIRS["CT-MRI"]))
        for kind in ("MRI", "CT")
    ]
    fused = np.asarray(Image.open(folder / "out/CT-MRI" / PAIRS["CT-MRI"]))
    assert (fused == np.maximum(*sources)).all()


def test_one_key_is_changed():
    words = [f"loss#terms#{term}#weight=0" for term in (1, 2)]
    criterion = optimise_pixels.read_criterion([config("mactfusion")], words)
    sources = torch.rand(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    picture = torch.zeros(1, 1, 32, 32)
    expected = 20 * sources.amax(dim=1).square().mean()
    torch.testing.assert_close(criterion(picture, sources), expected)


def test_every_nth_pair_of_a_task_is_taken(folder):
    for kind in ("MRI", "CT"):
        test = folder / "pairs" / "CT-MRI" / "test" / kind
        for name in ("1002.png", "1003.png"):
            save(test / name, np.asarray(Image.open(test / "1001.png"))[::-1])
    result = run(folder, "--config", config("train"), "--steps", "1", "--every", "2")
    assert result.exit_code == 0, result.output
    written = sorted(path.name for path in (folder / "out").rglob("*.png"))
    assert written == ["1001.png", "1003.png", "2001.png"]


def broken(folder):
    (folder / "mine.yaml").write_text("loss: [")
    return "mine.yaml", "cannot be read as a configuration"


def without_loss(folder):
    (folder / "mine.yaml").write_text("network: 3")
    return "mine.yaml", "has no section 'loss'"


def unknown_term(folder):
    (folder / "mine.yaml").write_text("loss: {_target_: mactfusion.losses.Nothing}")
    return "mine.yaml", "cannot be built"


def absent(folder):
    return "mine.yaml", "does not exist"


@pytest.mark.parametrize("fault", [broken, without_loss, unknown_term, absent])
def test_a_configuration_that_cannot_be_used_is_one_sentence(folder, fault):
    name, sentence = fault(folder)
    result = run(folder, "--config", folder / name)
    assert_refused(result, folder, name, sentence)


@pytest.mark.parametrize("change", ["loss#terms#9#weight=1", "epochs", "nothing=1"])
def test_a_key_that_is_not_there_is_one_sentence(folder, change):
    result = run(folder, "--config", config("train"), "--set", change)
    assert_refused(result, folder, "train.yaml", f"not '{change}'")


def test_unequal_sizes_are_one_sentence(folder):
    save(folder / "pairs/CT-MRI/test/CT/1001.png", np.eye(48, dtype=np.uint8))
    result = run(folder, "--config", config("train"), "--steps", "1")
    assert_refused(result, folder, "CT/1001.png", "differ in size")


def assert_refused(result, folder, name, sentence):
    assert result.exit_code == 2, result.output
    (error,) = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert name in error
    assert sentence in error
    assert "Traceback" not in result.output
    assert not list(folder.glob("out/**/*.png"))


def test_a_criterion_that_is_not_finite_is_refused():
    sources = torch.rand(1, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match="not finite"):
        optimise_pixels.optimise(sources, lambda picture, _: (picture / 0).sum(), 1)
