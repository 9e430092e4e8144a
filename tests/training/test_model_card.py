"""Scores and references of card and metadata are those that were measured and are cited."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mactfusion.bundle import bundle_root
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from training import model_card
from training.marked_page import around_markers
from training.model_card import MARKERS, METRICS, eval_metrics, means_of, table_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def means():
    return means_of(ROOT / "docs" / "scores.csv")


@pytest.fixture
def card():
    return (bundle_root() / "docs" / "README.md").read_text("utf-8")


@pytest.fixture
def metadata():
    return json.loads((bundle_root() / "configs" / "metadata.json").read_text("utf-8"))


def test_the_card_has_the_scores_of_the_comparison(means, card):
    before, after = around_markers(bundle_root() / "docs" / "README.md", MARKERS)
    between = card.removeprefix(before).removesuffix(after)
    assert table_of(means) in between
    assert between.count("\n| ") == 10


def test_the_metadata_has_those_of_the_default(means, metadata):
    assert metadata["eval_metrics"] == eval_metrics(means)
    assert len(metadata["eval_metrics"]) == 3 * len(METRICS)


def test_means_are_means(tmp_path):
    names = ",".join(METRICS)
    file = tmp_path / "scores.csv"
    file.write_text(f"task,method,picture,{names}\nT,ours,a,1,2,3,4,5\nT,ours,b,2,2,3,4,6\n")
    assert means_of(file) == {
        ("T", "ours"): dict(zip(METRICS, (1.5, 2.0, 3.0, 4.0, 5.5), strict=True))
    }


def test_both_are_written_anew(monkeypatch, tmp_path):
    for name in ("docs/README.md", "configs/metadata.json"):
        copy = tmp_path / name
        copy.parent.mkdir()
        copy.write_text((bundle_root() / name).read_text("utf-8").replace("0.9506", "0.1111"))
        assert "0.1111" in copy.read_text("utf-8")
    monkeypatch.setattr(model_card, "bundle_root", lambda: tmp_path)
    monkeypatch.chdir(ROOT)
    model_card.write()
    for name in ("docs/README.md", "configs/metadata.json"):
        assert (tmp_path / name).read_text("utf-8") == (bundle_root() / name).read_text("utf-8")


def test_every_network_is_cited(card, metadata):
    others = [model.citation for name, model in MODELS.items() if name != DEFAULT_MODEL]
    assert metadata["references"] == list(dict.fromkeys(others))
    for number, citation in enumerate(metadata["references"], 1):
        assert f"[{number}] {citation}\n" in card


def test_every_weight_file_has_its_row_and_every_page_of_it_is_there(card):
    rows = re.findall(r"^\| `(\S+\.pt)` \| (.*) \|$", card, re.MULTILINE)
    files = {file for model in MODELS.values() for file in model.weight_files()}
    assert sorted(file for file, _ in rows) == sorted(files)
    for file, said in rows:
        for page in re.findall(r"`(docs/\S+)`", said):
            assert file.removesuffix(".pt") in (ROOT / page).read_text("utf-8"), (file, page)
        overlays = said.split("|")[0]
        for name in re.findall(r"`(\w+)`", overlays):
            assert (bundle_root() / "configs" / f"{name}.yaml").is_file(), name


def test_size_and_count_are_those_of_the_network(card):
    model = MODELS[DEFAULT_MODEL]
    count = f"{model.parameter_count():,}".replace(",", " ")
    said = f"{count} parameters, {model.gigaflops():.1f} GFLOP at 256×256"
    assert said in card.replace("\n", " ")
