"""``mactfusion batch`` at the terminal: what it says, refuses and returns."""

from __future__ import annotations

import csv
import json

import pytest
from here_engine import HereEngine

WORDS = ("--task", "pet-mri", "--register", "off", "--no-check", "--no-report")


@pytest.fixture
def batch(run_command, archive, monkeypatch, pixel_maximum):
    """``batch("mr", "pet", ...)`` in the archive, without processes of its own."""
    monkeypatch.chdir(archive)
    monkeypatch.setattr("mactfusion.batch.engines.LocalEngine", lambda *_: HereEngine())

    def run(*words):
        return run_command("batch", *words, "-o", "../out", *WORDS, "--weights", pixel_maximum)

    return run


def test_two_folders_become_a_folder_of_results(batch, archive):
    (archive / "mr" / "a.nii.gz").write_bytes(b"no volume")
    (archive / "pet" / "lonely.nii.gz").write_bytes(b"no volume")
    ended = batch("mr", "pet")
    assert ended.code == 3
    assert "3 to fuse, 1 left out." in ended.out
    assert "3 of 3: c done;" in ended.out
    assert "1 failed, 2 done, 1 left out" in ended.out
    assert (
        "Warning: lonely is left out (pet/lonely.nii.gz): mr has no file of this name." in ended.err
    )
    assert "Error: a: The anatomical volume cannot be read" in ended.err
    out = archive.parent / "out"
    lines = list(csv.DictReader((out / "summary.csv").open(encoding="utf-8")))
    assert [line["outcome"] for line in lines] == ["failed", "done", "done", "left out"]
    assert (out / "index.html").is_file()


def test_all_done_is_0_and_quiet_is_quiet(batch):
    assert batch("mr", "pet", "--quiet") == (0, "", "")
    assert batch("mr", "pet", "--quiet") == (0, "", "")


def test_a_dry_run_writes_its_plan_and_nothing_else(batch, archive):
    ended = batch("mr", "pet", "--dry-run", "--save-plan", "../plan.csv")
    assert ended.code == 0
    assert "mr/b.nii.gz" in ended.out
    assert not (archive.parent / "out").exists()
    again = batch("../plan.csv")
    assert again.code == 0
    assert "3 done" in again.out
    assert batch("mr", "pet", "--dry-run", "--save-plan", "../plan.csv").refused("exists already")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere does not exist"),
        (("mr",), "holds no DICOM files"),
        (("mr/a.nii.gz",), "no source of studies"),
        (("mr", "pet", "--save-plan", "plan.txt"), ".csv or .parquet"),
        (("mr", "pet", "--pair-by", "patient"), "two folders"),
        (("mr", "pet", "--window", "purple"), "purple"),
        (("mr", "pet", "--memory", "0.1"), "--memory"),
        (("mr", "pet", "--workers", "0"), "--workers"),
    ],
)
def test_what_cannot_be_done_is_refused_with_2(batch, archive, words, said):
    assert batch(*words).refused(said)
    assert not (archive.parent / "out").exists()


def test_results_among_sources_are_refused(run_command, archive, monkeypatch):
    monkeypatch.chdir(archive)
    assert run_command("batch", "mr", "pet", "-o", "mr/out", *WORDS).refused("lies within mr")
    assert run_command("batch", "mr", "pet", "-o", "pet", *WORDS).refused("lies within pet")


def test_a_plan_of_nothing_is_refused(batch, archive):
    (archive / "plan.csv").write_text("anatomical,partner,left_out\nmr/a.nii.gz,,not today\n")
    assert batch("plan.csv").refused("no study that can be fused")


def test_names_are_shown_as_they_are(batch, archive):
    (archive / "plan.csv").write_text(
        'study,anatomical,partner\n"[red]x[/]",mr/a.nii.gz,pet/a.nii.gz\n', encoding="utf-8"
    )
    ended = batch("plan.csv", "--dry-run")
    assert "[red]x[/]" not in ended.out
    assert ended.refused("cannot be called")


def test_a_run_is_followed_in_a_log_and_in_metrics(batch, archive):
    (archive / "mr" / "a.nii.gz").write_bytes(b"no volume")
    words = ("--log", "../logs/run.jsonl", "--metrics", "../m.prom")
    assert batch("mr", "pet", *words).code == 3
    lines = (archive.parent / "logs" / "run.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [
        "run started", *["study"] * 3, "run ended",
    ]  # fmt: skip
    metrics = (archive.parent / "m.prom").read_text()
    assert 'mactfusion_batch_studies_total{outcome="done"} 2.0' in metrics
    assert 'mactfusion_batch_studies_total{outcome="failed"} 1.0' in metrics
    assert "mactfusion_batch_to_do 0.0" in metrics
