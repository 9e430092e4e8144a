"""The page about the ablations, from scores by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_ablations import run

from mactfusion.metrics import RANKING
from training import ablations
from training.ablation import page, studies


def write_scores(output, name, value, steps=600):
    """Scores by hand of a row of the modules of MACTFusion, all alike."""
    tasks = list(studies.BRAIN)
    spent = {"steps": steps, "crop": 96, "batch_size": 2, "seed": 1, "learning_rate": 0.001}
    scores = {
        "training": {"budget": spent, "tasks": tasks},
        "digest": "",
        "pairs": dict.fromkeys(tasks, 24),
        "means": {task: dict.fromkeys(RANKING, value) for task in tasks},
    }
    folder = output / "mactfusion-architecture" / name
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps(scores))


def test_figures_of_the_paper_stand_beside_ours(tmp_path):
    for name, value in (("full", 0.5), ("without-sfe", 0.25), ("without-cmft", 0.75)):
        write_scores(tmp_path, name, value)
    text = page.ablations_page(tmp_path)
    row = "| without SFE | 0.2500 | 0.2500 | 0.2500 | 0.2500 | 0.2500 "
    assert row + "| 1.661 | 0.897 | 0.601 | 0.702 | 0.493 |" in text
    assert row + "| 1.529 | 0.945 | 0.592 | 0.820 | 0.570 |" in text
    assert "| without CMFT | **0.7500** |" in text
    assert text.count("Of 10 differences from the full variant, 5 have the sign") == 3
    assert "CT-MRI, PET-MRI and SPECT-MRI together" in text
    assert "Not run: without SAFM." in text
    assert "MACTFusion, terms" in text.split("### Not run")[1]  # it shares "full", and has no more


def test_rows_of_other_budgets_stand_in_a_table_of_their_own(tmp_path):
    write_scores(tmp_path, "full", 0.5)
    write_scores(tmp_path, "without-sfe", 0.25, steps=300)
    text = page.ablations_page(tmp_path)
    assert text.count("Budget of each row") == 2
    assert text.count("#### CT-MRI") == 2
    assert "differences from the full" not in text


def damaged_scores(output, *, without=(), content=None):
    """Scores of which one thing is left out, or that are something else altogether."""
    write_scores(output, "full", 0.5)
    path = output / "mactfusion-architecture" / "full" / "scores.json"
    whole = json.loads(path.read_text())
    part = whole
    for key in without[:-1]:
        part = part[key]
    if without:
        del part[without[-1]]
    path.write_text(json.dumps(whole) if content is None else content)
    return path


@pytest.mark.parametrize(
    "damage",
    [
        {"content": "{"},
        {"content": "[1]"},
        {"content": "null"},
        {"without": ("training",)},
        {"without": ("training", "budget", "steps")},
        {"without": ("digest",)},
        {"without": ("pairs",)},
        {"without": ("means", "PET-MRI")},
        {"without": ("means", "PET-MRI", RANKING[0])},
    ],
    ids=str,
)
def test_damaged_scores_are_named(data, tmp_path, damage):
    damaged = damaged_scores(tmp_path / "out", **damage)
    result = run(data, tmp_path, "--page-only")
    assert (result.exit_code, result.output) == (2, f"Error: {damaged} is damaged; remove it.\n")


def test_damaged_scores_do_not_stop_the_variants_after_them(data, tmp_path, monkeypatch):
    damaged = damaged_scores(tmp_path / "out", content="[1]")
    reached = []
    monkeypatch.setattr(ablations, "train", lambda *_: None)
    monkeypatch.setattr(ablations, "score", lambda entry, *_: reached.append(entry.variant.name))
    words = ("--variant", "full", "--variant", "inter-only")
    result = run(data, tmp_path, "--study", "cminet", *words)
    assert reached == ["full", "inter-only"]
    of_page = f"{tmp_path / 'docs' / 'ablations.md'} is not written: {damaged} is damaged"
    assert result.output.count(of_page) == 2
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].endswith(f"because: {damaged} is damaged; remove it.")


def test_a_page_that_came_right_in_the_end_is_no_failure(data, tmp_path, monkeypatch):
    damaged = damaged_scores(tmp_path / "out", content="[1]")

    def remove_it_late(entry, *_):
        if entry.variant.name == "inter-only":
            damaged.unlink()

    monkeypatch.setattr(ablations, "train", lambda *_: None)
    monkeypatch.setattr(ablations, "score", remove_it_late)
    words = ("--variant", "full", "--variant", "inter-only")
    result = run(data, tmp_path, "--study", "cminet", *words)
    assert result.exit_code == 0, result.output
    assert "is not written" in result.output


def test_a_new_page_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    def disk_is_full(path, text, **_):
        path.write_bytes(text[:20].encode())
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", disk_is_full)
    with pytest.raises(OSError, match="No space left"):
        ablations.write_page(tmp_path / "docs" / "ablations.md", tmp_path / "out")
    assert not list((tmp_path / "docs").iterdir())
