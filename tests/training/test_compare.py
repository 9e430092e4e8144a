"""The comparison of methods, on a small folder of pairs."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from page_by_hand import read_with_new_tables, write_by_hand
from PIL import Image
from small_comparison import NAMES, rows_of, run, save

from mactfusion.io.luminance import read_grey_levels
from mactfusion.metrics import METRICS
from training import compare
from training.comparison import pages, scores


def test_command_writes_tables_and_figures(folders):
    page = write_by_hand(folders / "docs" / "results.md", compare.MARKERS)
    (folders / "docs" / "all_scores.md").write_text(page.read_text())
    costs = {
        "params": 5,
        "gflops_2xMAC": 1.26,
        "cpu_ms_median": 7,
        "tasks_out_of_domain": ["CT-MRI"],
    }
    (folders / "costs.json").write_text(json.dumps({"weighted": costs}))
    result = run(folders, "--costs", folders / "costs.json", "--sheets", folders / "sheets")
    assert result.exit_code == 0, result.output
    text = read_with_new_tables(page)
    assert "| **weighted** † |" in text.split("### PET-MRI")[0]
    assert "| **weighted** |" in text.split("### PET-MRI")[1]
    assert "| 5 | 1.3 | 7 |" in text
    assert "Mean difference" not in text
    everything = read_with_new_tables(folders / "docs" / "all_scores.md")
    assert "Mean difference, weighted minus the other, over 3 pictures" in everything
    assert all(f"](boxes-{task}.png)" in everything for task in ("CT-MRI", "PET-MRI"))
    written = {path.name for path in (folders / "docs").iterdir()}
    assert written >= {"ranks.png", "boxes-CT-MRI.png", "boxes-PET-MRI.png"}
    sheet = Image.open(folders / "sheets" / "PET-MRI-1001.png")
    assert sheet.size == (5 * 96 + 4 * 2, 88 + 24)


def test_the_first_table_has_the_first_methods_ours_and_what_needs_no_network():
    names = [f"m{number:02}" for number in range(pages.FIRST + 2)]
    values = {name: 1 - number / 100 for number, name in enumerate([*names, *scores.BASELINES])}
    of_task = {
        name: {"1.png": dict.fromkeys(METRICS, value), "2.png": dict.fromkeys(METRICS, value)}
        for name, value in values.items()
    }
    text = pages.first_tables({"CT-MRI": of_task}, names[-1], {}, "all.md")
    shown = re.findall(r"^\| \**(\w+)\** \|", text, re.MULTILINE)
    assert shown == ["method", *names[: pages.FIRST], names[-1], *scores.BASELINES]
    assert f"first {pages.FIRST} of {len(values)} methods" in text
    assert "[All methods](all.md#ct-mri)" in text
    assert f"| **{names[-1]}** | {values[names[-1]]:.4f} |" in text
    few = dict(list(of_task.items())[:3])
    assert "The first" not in pages.first_tables({"CT-MRI": few}, names[0], {}, "all.md")


def test_scores_are_those_of_the_metrics(folders):
    assert run(folders).exit_code == 0
    rows = rows_of(folders / "docs" / "scores.csv")
    assert len(rows) == 2 * 3 * len(NAMES)
    found = next(r for r in rows if (r["task"], r["method"]) == ("PET-MRI", "weighted"))
    pictures = [
        read_grey_levels(folders / path)
        for path in (
            f"methods/weighted/PET-MRI/{NAMES[0]}",
            f"pairs/PET-MRI/test/MRI/{NAMES[0]}",
            f"pairs/PET-MRI/test/PET/{NAMES[0]}",
        )
    ]
    assert found["picture"] == NAMES[0]
    for name, metric in METRICS.items():
        assert float(found[name]) == pytest.approx(metric(*pictures), abs=1e-12)


def test_processes_change_nothing(folders):
    assert run(folders).exit_code == 0
    alone = (folders / "docs" / "scores.csv").read_text()
    (folders / "cache").rename(folders / "elsewhere")
    assert run(folders, jobs=2).exit_code == 0
    assert (folders / "docs" / "scores.csv").read_text() == alone


def test_nothing_is_scored_twice_but_what_changed(folders, monkeypatch):
    assert run(folders).exit_code == 0
    counted = []

    def metric(*pictures):
        counted.append(pictures)
        return 0.5

    for name in METRICS:
        monkeypatch.setitem(METRICS, name, metric)
    assert run(folders).exit_code == 0
    assert not counted
    save(folders / "methods" / "weighted" / "CT-MRI" / NAMES[1], np.full((44, 48), 9, np.uint8))
    assert run(folders).exit_code == 0
    assert len(counted) == len(METRICS)
    rows = rows_of(folders / "docs" / "scores.csv")
    assert [r["picture"] for r in rows if r["method"] == "weighted"] == [*NAMES, *NAMES]


def test_baselines_are_computed():
    first, second = np.array([[3.0, 10.0]]), np.array([[6.0, 4.0]])
    assert scores.pixel_average(first, second).tolist() == [[4, 7]]
    assert scores.pixel_maximum(first, second).tolist() == [[6, 10]]


def test_a_task_without_a_folder_is_left_out(folders):
    for name in NAMES:
        (folders / "methods/weighted/PET-MRI" / name).unlink()
    (folders / "methods/weighted/PET-MRI").rmdir()
    assert run(folders).exit_code == 0
    rows = rows_of(folders / "docs" / "scores.csv")
    assert {r["task"] for r in rows if r["method"] == "weighted"} == {"CT-MRI"}
