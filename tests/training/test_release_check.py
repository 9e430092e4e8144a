"""A release is refused until its tag and every place that says a version agree."""

from __future__ import annotations

import json

import pytest
from typer import Typer
from typer.testing import CliRunner

import mactfusion
from training import release_check
from training.release_check import CLONE, what_is_wrong


@pytest.fixture
def clone(tmp_path):
    """A clone that is ready for the release 1.2.3."""
    (tmp_path / "monai_bundle/configs").mkdir(parents=True)
    said = {"version": "1.2.3", "changelog": {"1.2.3": "more"}}
    (tmp_path / "monai_bundle/configs/metadata.json").write_text(json.dumps(said))
    (tmp_path / "CITATION.cff").write_text("version: 1.2.3\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 – 2026-12-24\n\n## 1.2.2 – x\n")
    return tmp_path


def test_what_agrees_is_released(clone):
    assert what_is_wrong(clone, "1.2.3", "v1.2.3") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("monai_bundle/configs/metadata.json", '"version": "1.2.3"', '"version": "1.2.2"', "1.2.2"),
        ("monai_bundle/configs/metadata.json", '{"1.2.3"', '{"1.2.1"', "does not have 1.2.3"),
        ("CITATION.cff", "1.2.3", "1.2.4", "CITATION.cff has version 1.2.4"),
        ("CHANGELOG.md", "2026-12-24", "unreleased", "CHANGELOG.md does not begin"),
        ("CHANGELOG.md", "## 1.2.3", "## 1.3.0", "CHANGELOG.md does not begin"),
        ("CHANGELOG.md", "## 1.2.3", "## Unreleased\n\n## 1.2.3", "CHANGELOG.md does not begin"),
    ],
)
def test_each_place_that_says_another_version_is_named(clone, file, old, new, sentence):
    text = (clone / file).read_text()
    assert old in text
    (clone / file).write_text(text.replace(old, new))
    (wrong,) = what_is_wrong(clone, "1.2.3", "v1.2.3")
    assert sentence in wrong


def test_another_tag_is_refused_in_a_sentence(clone):
    (wrong,) = what_is_wrong(clone, "1.2.3", "1.2.3")
    assert wrong == "The tag is 1.2.3, the library's version 1.2.3: it should be v1.2.3."


def test_the_command_ends_with_two(monkeypatch, clone):
    app = Typer()
    app.command()(release_check.check)
    monkeypatch.setattr(release_check, "CLONE", clone)
    refused = CliRunner().invoke(app, ["v1.2.3"])
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: The tag is v1.2.3")
    monkeypatch.setattr(release_check, "__version__", "1.2.3")
    assert CliRunner().invoke(app, ["v1.2.3"]).exit_code == 0


def test_all_but_the_date_agrees_between_releases():
    version = mactfusion.__version__
    wrong = what_is_wrong(CLONE, version, f"v{version}")
    assert [one for one in wrong if not one.startswith("CHANGELOG.md")] == []
