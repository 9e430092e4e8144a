"""The study of the check: lesions, what is counted of them, and the page."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from mactfusion.trust.lesions import LESIONS, draw_spots, put_lesions
from training import check
from training.check_study.measure import Judged, judge, true_share
from training.check_study.page import tables
from training.check_study.pairs import head_pairs, picture_pairs
from training.lesion_study.methods import RULES


@pytest.fixture
def folder(tmp_path):
    """Two pairs of a bright head with texture, as MR and CT."""
    rows, columns = np.mgrid[:128, :128]
    head = np.hypot(rows - 64, columns - 64) < 54
    for number in range(2):
        for kind, low, wave in (("MRI", 120, 9), ("CT", 90, 17)):
            picture = head * (low + 20 * np.sin(rows / wave) * np.cos(columns / (wave + number)))
            path = tmp_path / "CT-MRI" / "train" / kind / f"1{number:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.astype(np.uint8)).save(path)
    return tmp_path


def test_lesions_are_lost_by_the_maximum_and_kept_by_the_average(folder):
    (pair, _) = picture_pairs(folder, "train", 2)
    found = list(judge(pair, 1, {"average": RULES["average"]}, 4, seed=0))
    assert {one.source for one in found} == {"MR", "CT"}
    assert all(one.kept == pytest.approx(0.5, abs=0.1) for one in found)
    assert np.mean([one.marked for one in found]) < 0.02
    lost = [one for one in judge(pair, 1, {"maximum": RULES["maximum"]}, 4, 0) if one.kept < 0.3]
    assert len(lost) >= 4
    assert np.mean([one.marked >= 0.35 for one in lost]) > 0.8


def test_the_true_share_counts_lightness_and_colour():
    centres, angles = torch.tensor([[20.0, 20.0]]), torch.zeros(1)
    lesion = LESIONS["hot, 12 mm"]
    spots = draw_spots(lesion, centres, angles, (40, 40))
    before = torch.full((40, 40), 0.4)
    after = put_lesions(before[None, None], spots.share, lesion.change)[0, 0]
    change = after - before

    def share(*channels):
        fused = torch.stack([change * factor for factor in channels])
        return float(true_share((after, before), (fused, 0 * fused), spots, lesion.change))

    assert share(0.5) == pytest.approx(0.5, abs=1e-4)
    assert share(-0.5) == 0
    assert share(0.3, 0.0, 0.4) == pytest.approx(0.5, abs=1e-4)
    assert share(-0.3, -0.4, 0.0) == pytest.approx(0.4, abs=1e-4)


def test_each_synthetic_head_lends_slices_of_each_partner():
    found = list(head_pairs(count=1, slices=2))[1::2]
    assert [pair.task for pair in found] == ["ct-mri", "pet-mri", "spect-mri", "mr-mr"]
    assert all(pair.origin == "volumes" for pair in found)
    assert all(pair.spacing_mm == (1.5, 1.5) for pair in found)
    assert len({pair.values[1].mean().item() for pair in found}) == 4


def test_the_tables_count_both_ways():
    cell = {"task": "ct-mri", "origin": "slices", "kind": "line", "method": "maximum"}
    base = {**cell, "half": 1, "source": "CT"}
    judged = [
        Judged(**base, kept=0.1, marked=0.9, estimate=0.1),
        Judged(**base, kept=0.2, marked=0.0, estimate=0.45),
        Judged(**base, kept=0.9, marked=0.0, estimate=0.9),
        Judged(**base, kept=0.35, marked=0.5, estimate=0.2),
        Judged(**{**base, "half": 0}, kept=0.35, marked=0.5, estimate=0.2),
    ]
    page = tables(judged, [])
    assert "| CT-MR, lesion in CT | 4 | 50 (50) |" in page
    assert "| line | 2 | 50.0 % | 2 | 50.0 % | 1 | 0.0 % |" in page
    assert "| 0.5 | – | 100.0 % | 100.0 % | 50.0 % |" in page


def fail(*_, **__):
    raise AssertionError("This was measured before.")


def test_the_command_goes_on_where_it_was_stopped(folder, tmp_path, monkeypatch):
    app = Typer()
    app.command()(check.main)
    page, cache = tmp_path / "trust.md", tmp_path / "cache"
    page.write_text("mine\n<!-- check begins -->\n<!-- check ends -->\nyours\n")
    words = ["--pairs", str(folder), "--count", "2", "--places", "2", "--heads", "0"]
    words += ["--page", str(page), "--cache", str(cache)]
    assert CliRunner().invoke(app, words).exit_code == 0
    first = page.read_text()
    assert first.startswith("mine\n")
    assert "### Threshold" in first
    assert len(list(cache.iterdir())) == 6
    monkeypatch.setattr(check, "judge", fail)
    assert CliRunner().invoke(app, words).exit_code == 0
    assert page.read_text() == first


def test_nothing_to_measure_is_refused(tmp_path):
    app = Typer()
    app.command()(check.main)
    outcome = CliRunner().invoke(app, ["--page", str(tmp_path / "a.md"), "--heads", "0"])
    assert outcome.exit_code == 2
    assert "Give --pairs" in outcome.output
