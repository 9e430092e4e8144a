"""What a command writes into a page, and that the page says when that was."""

from __future__ import annotations

import subprocess
from datetime import date

import pytest

from mactfusion import __version__
from training.made import ROOT, made_line
from training.marked_page import Markers, write_between_markers

MARKERS = Markers("<!-- a begins -->", "<!-- a ends -->")


def git(folder, *words):
    own = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    done = subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def clone(tmp_path):
    """A repository with one commit of one file."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def test_the_line_has_day_commit_and_versions(clone):
    commit = git(clone, "rev-parse", "HEAD")[:7]
    line = made_line(clone)
    assert line.startswith(f"*Written on {date.today().isoformat()}, commit `{commit}`, version ")
    assert f" version {__version__}, PyTorch 2." in line
    assert line.endswith(".*")


def test_changes_of_the_code_are_said_and_those_of_figures_are_not(clone):
    (clone / "docs").mkdir()
    (clone / "docs" / "benchmark.md").write_text("new\n")
    assert "with changes" not in made_line(clone)
    (clone / "code.py").write_text("2\n")
    assert "` with changes, version" in made_line(clone)


def test_without_a_clone_the_line_has_no_commit(tmp_path):
    assert f"{date.today().isoformat()}, version {__version__}," in made_line(tmp_path)


def test_measured_figures_say_when_and_others_do_not(tmp_path):
    page = tmp_path / "page.md"
    write_between_markers(page, MARKERS, "figures", "# Page\n\n")
    text = page.read_text()
    assert text == (f"# Page\n\n{MARKERS.begins}\n\nfigures\n\n{made_line()}\n\n{MARKERS.ends}\n")
    write_between_markers(page, MARKERS, "rules", is_measured=False)
    assert page.read_text() == f"# Page\n\n{MARKERS.begins}\n\nrules\n\n{MARKERS.ends}\n"


def test_figures_of_every_page_say_when_they_were_made():
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page.name != "inputs.md"]
    blocks = [
        block.split(" end")[0]
        for page in pages
        for block in page.read_text(encoding="utf-8")
        .replace(" begins -->", " begin -->")
        .split(" begin -->")[1:]
    ]
    assert len(blocks) > 15
    assert all("\n*Written on 20" in block for block in blocks)
