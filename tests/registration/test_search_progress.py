"""How far a search is, and its end on request, on every way in."""

import io

import pytest
from heads import MOVED, at, head
from rich.console import Console

from mactfusion import fuse_volumes
from mactfusion.errors import FusionCancelled, informing
from mactfusion.progress import in_steps, progress_bar, step_done, watching
from mactfusion.registration import PlacePartnerd
from mactfusion.registration.check import STEPS

pytestmark = pytest.mark.filterwarnings("ignore::mactfusion.errors.FusionWarning")


def case():
    return {"anatomical": head("T1"), "partner": at(head("T2"), MOVED), "notes": ""}


MISSING = 14 + 3
"""So many steps fewer are done where the partner is no slab, and starts lead to the same pose."""


def test_each_step_of_a_search_is_told_once_and_is_no_sentence():
    told, said = [], []
    with informing(said.append), watching(lambda *news: told.append(news)):
        PlacePartnerd("affine")(case())
    names, done, total = zip(*told, strict=True)
    assert set(names) == {"Registering T2-0.nii to T1-0.nii"}
    assert set(total) == {STEPS["affine"]}
    assert (done[0], done[-1]) == (0, STEPS["affine"])
    counted = done[1:-1]
    assert counted == tuple(range(1, len(counted) + 1))
    assert STEPS["affine"] - MISSING <= len(counted) <= STEPS["affine"]
    assert len(said) == 1


def test_without_a_watcher_nothing_is_counted():
    told = []
    with in_steps("Registering PET to MR", 3), watching(lambda *news: told.append(news)):
        step_done()  # who comes later is not told of what nobody was watching
    with watching(lambda *news: told.append(news)):
        step_done()  # of nothing
    assert told == []


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_search_ends_at_the_step_at_which_somebody_asks(after):
    data = case()
    told = []

    def watch(_what, done, _total):
        told.append(done)
        if done == after:
            raise FusionCancelled

    with watching(watch), pytest.raises(FusionCancelled):
        PlacePartnerd("rigid")(data)
    assert told[-1] == after
    assert data["notes"] == ""
    with watching(told.append):
        step_done()  # the count ended with the search
    assert told[-1] == after


def test_python_is_asked_between_the_steps_and_leaves_nothing(sampled, tmp_path):
    output = tmp_path / "fused.nii.gz"
    calls = []

    def progress(done, total):
        calls.append((done, total))
        if len(calls) == 3:
            raise FusionCancelled

    with pytest.raises(FusionCancelled):
        fuse_volumes(
            sampled["T1"], sampled["PET"], task="pet-mri", output=output, progress=progress
        )
    assert calls == [(0, 1)] * 3
    assert not list(tmp_path.iterdir())


def shown(**console):
    """What a console shows of a search and four slices."""
    stream = io.StringIO()
    console = Console(file=stream, width=120, **console)
    with progress_bar(console, "fused.nii.gz") as report:
        with in_steps("Registering PET to MR", 3):
            step_done()
            step_done()
        report(4, 4)
    return stream.getvalue()


def test_the_bar_of_a_terminal_counts_the_steps(monkeypatch):
    monkeypatch.setattr("rich.progress.Progress.update", told := Updates())
    shown(force_terminal=True)
    search = [(kept["completed"], kept["total"]) for kept in told if kept.get("description")]
    assert search == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [kept["visible"] for kept in told if kept.get("description")] == [True] * 3 + [False]
    assert told[-1] == {"completed": 4, "total": 4}


class Updates(list):
    """Stands for the bar's method that changes it."""

    def __call__(self, _task, **changes):
        self.append(changes)


def test_a_log_has_no_line_for_a_step():
    assert shown().splitlines() == ["fused.nii.gz: 4 of 4 slices"]
