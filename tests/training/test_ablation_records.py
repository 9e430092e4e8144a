"""Which training a record stands for, and when it is another one."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from small_ablations import CNN, entry_of

from mactfusion.bundle import bundle_root
from training.ablation import trained


@pytest.fixture
def changed_record(data, tmp_path, monkeypatch):
    """The record of a training after ``train.yaml`` had an old text replaced by a new one."""
    shutil.copytree(bundle_root() / "configs", tmp_path / "bundle" / "configs")
    monkeypatch.setattr(trained, "bundle_root", lambda: tmp_path / "bundle")
    file = tmp_path / "bundle" / "configs" / "train.yaml"
    text = file.read_text()

    def record(old="", new=""):
        assert old in text
        file.write_text(text.replace(old, new, 1))
        where = trained.Data(data, data / "split.json")
        return trained.training_record(entry_of(CNN), trained.Budget(2, 32, 2, 3), where)

    return record


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 20240419\n", "seed: 20240419\nadded: null\n"),
        ("  split_file: '@split'\n", "  split_file: '@split'\n  added: null\n"),
        ("checkpoint_minutes: 10", "checkpoint_minutes: 20"),
        ("iteration % 50", "iteration % 25"),
        ("epochs: 16", "epochs: 40"),  # CMINet has a schedule of its own
        ("  end_lr: 1.0e-6", "  end_lr: '@lowest'\nlowest: 1.0e-6"),
        ("_target_: mactfusion.networks.PixelWeights", "_target_: other"),  # CMINet is laid over it
    ],
)
def test_what_changes_nothing_in_a_training_leaves_it_the_same(changed_record, old, new):
    assert changed_record(old, new) == changed_record()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_norm: 1.0", "max_norm: 2.0"),
        ("end_lr: 1.0e-6", "end_lr: 1.0e-5"),
        ("> 0.05", "> 0.06"),
        ("prob: 0.5", "prob: 0.4"),
        ("weights: null", "weights: start.pt"),
    ],
)
def test_what_changes_a_training_makes_it_another(changed_record, old, new):
    assert changed_record(old, new) != changed_record()


def test_a_training_with_other_settings_is_moved_aside(tmp_path, monkeypatch, capsys):
    def bundle(*_, **__):
        (folder / "model.pt").write_bytes(b"new")
        return subprocess.CompletedProcess([], 0)

    folder = tmp_path / CNN
    monkeypatch.setattr(trained.subprocess, "run", bundle)
    monkeypatch.setattr(trained, "training_command", lambda *_: [])
    for seed in (1, 2, 3):
        trained.train(entry_of(CNN), {"seed": seed}, None, folder)
        told = capsys.readouterr().err
        assert (f"which is now {folder}.{seed - 1}." in told) == (seed > 1)
    folders = [folder.with_name(f"{folder.name}{end}") for end in (".1", ".2", "")]
    assert sorted(folder.parent.iterdir()) == sorted(folders)
    for seed, kept in enumerate(folders, start=1):
        assert trained.is_trained(kept, {"seed": seed})
    assert trained.begin(folder, {"seed": 3}) is None
    assert trained.is_trained(folder, {"seed": 3})


def test_without_a_learning_rate_the_record_has_that_of_the_configuration(changed_record):
    assert changed_record()["budget"]["learning_rate"] == 2.0e-4
