"""``mactfusion evaluate``: the right words, files and refusals."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from PIL import Image

from mactfusion.evaluation.run import evaluate

NAMES = ("1.png", "2.png", "3.png")
QUICK = ("--metrics", "scd,Qw", "--jobs", "1")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Folders ``mr``, ``ct``, ``ours`` (their mean) and ``noise`` in the working folder."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name in NAMES:
        mr, ct, noise = random.integers(0, 256, (3, 24, 30))
        parts = {"mr": mr, "ct": ct, "ours": (mr + ct) // 2, "noise": noise}
        for part, pixels in parts.items():
            (tmp_path / part).mkdir(exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / part / name)
    return tmp_path


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_table_on_the_screen_and_in_the_file(run_command, pictures):
    outcome = run_command("evaluate", "ours", "mr", "ct", *QUICK, "--csv", "t.csv")
    assert (outcome.code, outcome.err) == (0, "")
    result = evaluate("ours", "mr", "ct", metrics=["SCD", "Qw"], jobs=1)
    assert "ours, 3 cases" in outcome.out
    for summary in result.summaries().values():
        assert f"{summary.mean:.4f}" in outcome.out
        assert f"{summary.median:.4f}" in outcome.out
    for metric in ("SCD", "Qw"):
        assert re.search(rf"{metric} +│ up +│", outcome.out), "up is good"
    written = rows(pictures / "t.csv")
    assert [row["case"] for row in written] == ["1", "2", "3"]
    assert {row["slice"] for row in written} == {""}
    assert [float(row["SCD"]) for row in written] == result.samples("SCD").tolist()


def test_against_another_method(run_command, pictures):
    (pictures / "noise" / "3.png").unlink()
    outcome = run_command(
        "evaluate", "ours", "mr", "ct", *QUICK, "--against", "noise", "--csv", "t.csv",
        "--report", "r.html",
    )  # fmt: skip
    assert outcome.code == 0
    assert "noise/3.png" not in outcome.err
    assert "ours against noise, 2 cases" in outcome.out
    assert "2 of 2" in outcome.out
    assert [(row["method"], row["case"]) for row in rows(pictures / "t.csv")] == [
        ("ours", "1"), ("ours", "2"), ("noise", "1"), ("noise", "2"),
    ]  # fmt: skip
    assert "Significance" in (pictures / "r.html").read_text(encoding="utf-8")


def test_what_did_not_match_is_listed(run_command, pictures):
    (pictures / "ours" / "2.png").unlink()
    outcome = run_command("evaluate", "ours", "mr", "ct", *QUICK)
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "Warning: mr/2.png has no counterpart.",
        "Warning: ct/2.png has no counterpart.",
    ]
    assert run_command("evaluate", "ours", "mr", "ct", *QUICK, "--quiet") == (0, "", "")


def test_a_result_without_its_source_stops(run_command, pictures):
    (pictures / "ct" / "2.png").unlink()
    words = ("evaluate", "ours", "mr", "ct", *QUICK, "--csv", "t.csv")
    assert run_command(*words).refused("ours/2.png has no source of its name in ct; add it.")
    assert not (pictures / "t.csv").exists()


def test_volume_has_a_line_a_slice(run_command, fuse, files):
    assert fuse("-o", "fused.nii.gz").code == 0
    outcome = run_command(
        "evaluate", "fused.nii.gz", "mr.nii.gz", "pet.nii.gz", *QUICK, "--csv", "t.csv"
    )
    assert outcome.code == 0
    assert "fused.nii.gz, 4 slices" in outcome.out
    written = rows(files / "t.csv")
    assert [row["slice"] for row in written] == ["", "0", "1", "2", "3"]
    slices = [float(row["Qw"]) for row in written[1:]]
    assert float(written[0]["Qw"]) == pytest.approx(np.mean(slices))


def test_methods_in_folders_of_one_name(run_command, pictures):
    for method in ("ours", "noise"):
        (pictures / f"by_{method}").mkdir()
        (pictures / method).rename(pictures / f"by_{method}" / "CT-MRI")
    outcome = run_command(
        "evaluate", "by_ours/CT-MRI", "mr", "ct", *QUICK, "--against", "by_noise/CT-MRI"
    )
    assert "by_ours against by_noise" in outcome.out


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("ours", "mr", "absent"), "absent does not exist"),
        (("ours", "mr", "ct/1.png"), "give three folders"),
        (("ours/1.png", "mr", "ct"), "mr"),
        (("ours", "mr", "ct", "--metrics", "magic"), "There is no metric magic"),
        (("ours", "mr", "ct", "--csv", "t.txt"), "ends in .csv"),
        (("ours", "mr", "ct", "--csv", "ours/1.png/t.csv"), "ours/1.png is no folder"),
        (("ours", "mr", "ct", "--csv", "there.csv"), "exists already"),
        (("ours", "mr", "ct", "--report", "there.html"), "exists already"),
        (("ours", "mr", "ct", "--report", "r.pdf"), "ends in .html"),
        (("ours", "mr", "ct", "--against", "./ours"), "is what is evaluated"),
        (("ours", "mr", "ct", *QUICK[:2], "--against", "empty"), "no file names in common"),
    ],
)
def test_refusals_leave_everything_as_it_was(run_command, pictures, words, name):
    (pictures / "empty").mkdir()
    for there in ("there.csv", "there.html"):
        (pictures / there).write_text("mine")
    before = {path: path.read_bytes() for path in pictures.rglob("*") if path.is_file()}
    assert run_command("evaluate", "--jobs", "1", *words).refused(name)
    after = {path: path.read_bytes() for path in pictures.rglob("*") if path.is_file()}
    assert after == before


def test_overwrite(run_command, pictures):
    (pictures / "t.csv").write_text("old")
    words = ("evaluate", "ours", "mr", "ct", *QUICK, "--csv", "t.csv")
    assert run_command(*words).code == 2
    assert run_command(*words, "--overwrite").code == 0
    assert len(rows(pictures / "t.csv")) == 3
