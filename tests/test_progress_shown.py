"""How far a fusion is: a bar in a notebook and on a terminal, lines elsewhere, nothing unasked."""

from __future__ import annotations

import io
import sys
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console

from mactfusion import fuse_volumes
from mactfusion.progress import progress_bar


class ZMQInteractiveShell(SimpleNamespace):
    """The shell of a notebook, as IPython calls it."""


class TerminalInteractiveShell(SimpleNamespace):
    """IPython in a terminal."""


@pytest.fixture
def shell(monkeypatch):
    """Pretend that IPython runs this process, with one of its shells."""

    def pretend(kind):
        ipython = ModuleType("IPython")
        ipython.get_ipython = lambda: kind(config={})
        monkeypatch.setitem(sys.modules, "IPython", ipython)

    return pretend


@pytest.mark.parametrize(
    ("kind", "options", "is_shown"),
    [
        (ZMQInteractiveShell, {}, True),
        (ZMQInteractiveShell, {"progress": False}, False),
        (ZMQInteractiveShell, {"progress": lambda done, total: None}, False),
        (TerminalInteractiveShell, {}, False),
        (TerminalInteractiveShell, {"progress": True}, True),
        (None, {}, False),
    ],
)
def test_a_bar_in_a_notebook(kind, options, is_shown, shell, mr, pet, pixel_maximum, capsys):
    if kind is not None:
        shell(kind)
    fuse_volumes(mr, pet, task="pet-mri", weights=pixel_maximum, **options)
    shown = "".join(capsys.readouterr())
    assert ("4/4" in shown) == is_shown
    assert bool(shown) == is_shown


def lines_after(*calls):
    stream = io.StringIO()
    with progress_bar(Console(file=stream, width=200), "scan") as report:
        for done, total in calls:
            report(done, total)
    return stream.getvalue().splitlines()


def test_lines_at_every_tenth():
    lines = lines_after(*((done, 200) for done in range(1, 201)))
    assert lines == [f"scan: {done} of 200 slices" for done in range(20, 201, 20)]


def test_batches_that_skip_tenths_give_one_line_each():
    assert lines_after((64, 100), (100, 100)) == [
        "scan: 64 of 100 slices",
        "scan: 100 of 100 slices",
    ]


def test_slices_that_begin_anew_are_counted_anew():
    lines = lines_after((10, 20), (2, 20), (20, 20))
    assert lines == ["scan: 10 of 20 slices", "scan: 2 of 20 slices", "scan: 20 of 20 slices"]


def test_quiet_and_a_terminal():
    with progress_bar(Console(file=io.StringIO()), "scan", quiet=True) as report:
        assert report is None
    stream = io.StringIO()
    with progress_bar(Console(file=stream, force_terminal=True, width=100), "scan") as report:
        report(1, 4)
    assert "scan" in stream.getvalue()
