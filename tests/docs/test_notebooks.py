"""The notebooks of the tutorials run, and show what they print."""

from __future__ import annotations

import re
from itertools import zip_longest

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mactfusion.errors import InputError
from notebook_pages import notebook_pages
from site_addresses import led_on_site
from training.notebooks import FOLDER, run_notebook

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
MOST_BYTES = 150_000
LINK = re.compile(r"\]\(([^()\s]+)\)")


def printed(notebook):
    """What each cell wrote to its standard output."""
    return [
        "".join(
            output.text for output in cell.outputs if output.get("name") == "stdout"
        ).splitlines()
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def pictures(notebook):
    return [
        sum("image/jpeg" in output.get("data", {}) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def assert_like(now, kept):
    """Hold lines to those that are kept: the same words, and numbers but for a few per cent."""
    assert NUMBER.sub("#", now) == NUMBER.sub("#", kept)
    numbers = [[float(number) for number in NUMBER.findall(line)] for line in (now, kept)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.05, abs=0.02), (now, kept)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_it_shows(path):
    kept = nbformat.read(path, as_version=4)
    now = run_notebook(path)
    for own, shown in zip_longest(printed(now), printed(kept)):
        for line, kept_line in zip_longest(own, shown, fillvalue=""):
            assert_like(line, kept_line)
    assert pictures(now) == pictures(kept)
    assert sum(pictures(now)) > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_names_no_place_of_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert not re.search(r"/(?:home|tmp|root|work)/", text)
    nbformat.validate(nbformat.reads(text, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere_here_and_on_the_site(path):
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    links = LINK.findall(text)
    assert links
    for link in links:
        assert (path.parent / link.partition("#")[0]).exists(), link
        page = f"docs/tutorials/{path.name}"
        assert ".ipynb" not in led_on_site(link, page, "https://host/repository")


def test_the_site_has_their_pages_and_pictures():
    made = notebook_pages()
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        page = made[f"tutorials/{path.stem}.md"]
        assert page.startswith("# ")
        shown = re.findall(r"!\[What the lines above draw\]\(([^)]+)\)", page)
        assert shown
        assert all(f"tutorials/{name}" in made for name in shown)
        assert f"]({path.name})" in index


def test_a_cell_that_fails_is_one_that_is_named(tmp_path):
    cells = [new_markdown_cell("# A"), new_code_cell("print(1)"), new_code_cell("1 / 0")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    before = (tmp_path / "a.ipynb").read_bytes()
    with pytest.raises(InputError, match=r"(?s)a\.ipynb failed: .*ZeroDivisionError"):
        run_notebook(tmp_path / "a.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "a.ipynb"]
