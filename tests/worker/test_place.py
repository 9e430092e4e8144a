"""Where a partner lies: searched once, said before the fusion, and used by preview and fusion."""

from __future__ import annotations

import numpy as np
import pytest
from worker_process import wait_until

from mactfusion.registration.check import STEPS

pytestmark = pytest.mark.slow  # each test starts a process that imports torch

SEARCH = """
import math, os, time
from pathlib import Path
import numpy as np
from mactfusion.progress import step_done
from mactfusion.registration import check
from mactfusion.registration.verdict import Verdict
def found_pose(anatomical, partner, register):
    folder = Path(os.environ["TMPDIR"])
    (folder / f"search-{time.time_ns()}").touch()
    while (folder / "wait").exists():
        time.sleep(0.01)
        if (folder / "step").exists():
            (folder / "step").unlink()
            step_done()
    pose = np.eye(4)
    pose[0, 3] = 12.0
    name = (folder / "verdict").read_text() if (folder / "verdict").exists() else "off"
    return Verdict(name, True, 12.0, 3.0), (0.0, 0.0, 0.0, math.nan, math.nan, 1.0), pose
check.found_pose = found_pose
"""
"""A search that finds every partner 12 mm too far to the right, and waits while it shall."""

OPTIONS = {"task": "pet-mri", "device": "cpu"}
RIGID = {**OPTIONS, "register": "rigid"}


@pytest.fixture
def thick(mr):
    """An MR that is not too thin to be compared."""
    array, affine = mr
    return np.repeat(array, 2, axis=2), affine


@pytest.fixture
def ready(start, thick, pet):
    """A worker with that search and both volumes, and the fields that name them."""
    worker = start(before=SEARCH)
    worker.hello()
    return worker, {"anatomical": worker.load(thick), "partner": worker.load(pet)}


def searches(worker):
    return len(list(worker.temporary.glob("search-*")))


def shifted(volume, mm):
    array, affine = volume
    moved = affine.copy()
    moved[0, 3] += mm
    return array, moved


def test_the_verdict_is_the_answer_and_the_fusion_does_not_search_again(ready):
    worker, pair = ready
    asked = worker.send("place", **pair, options=OPTIONS)
    (place,) = worker.last_reply(asked)["partners"]
    assert {**place, "pose": None} == {
        "verdict": "off",
        "is_sided": True,
        "off_mm": 12.0,
        "off_degrees": 3.0,
        "pose": None,
        "reason": "",
    }
    assert np.array_equal(place["pose"], np.eye(4))  # a check moves nothing
    (warning,) = worker.said(asked, "warning")
    assert "12 mm and 3°" in warning["sentence"]
    assert {step["stage"] for step in worker.said(asked, "progress")} == {"place"}
    for axis in ("axial", "coronal"):
        record = worker.ask("fuse", **pair, options={**OPTIONS, "axis": axis})["record"]
        assert record["partners"][0]["register_verdict"] == "off"
        assert record["partners"][0]["evidence"] == [0, 0, 0, None, None, 1]
    assert worker.ask("place", **pair, options=OPTIONS)["partners"] == [place]
    assert searches(worker) == 1


def test_a_preview_does_not_wait_for_the_check(ready):
    worker, pair = ready
    wait = worker.temporary / "wait"
    wait.touch()
    asked = worker.send("place", **pair, options=OPTIONS)
    assert wait_until(lambda: searches(worker))
    before = worker.voxels(worker.ask("preview", **pair, options=OPTIONS, slice=2))
    assert not worker.said(asked, "result")
    fusion = worker.send("fuse", **pair, options=OPTIONS)
    wait.unlink()
    assert worker.last_reply(asked)["partners"][0]["verdict"] == "off"
    fused = worker.voxels(worker.last_reply(fusion))
    after = worker.ask("preview", **pair, options=OPTIONS, slice=2)
    assert after["record"]["partners"][0]["register_verdict"] == "off"
    assert np.array_equal(before, worker.voxels(after))
    assert np.array_equal(before, fused[:, :, [2]])
    assert searches(worker) == 1


def test_preview_and_fusion_use_the_place_that_was_found(ready, pet):
    worker, pair = ready
    (place,) = worker.ask("place", **pair, options=RIGID)["partners"]
    pose = np.array(place["pose"])
    assert np.allclose(pose[:3, 3], [12, 0, 0])
    fused = worker.voxels(worker.ask("fuse", **pair, options=RIGID))
    preview = worker.ask("preview", **pair, options=RIGID, slice=3)
    assert np.array_equal(worker.voxels(preview), fused[:, :, [3]])
    assert searches(worker) == 1
    by_hand = {**pair, "partner": worker.load(shifted(pet, -12.0))}
    expected = worker.ask("fuse", **by_hand, options={**OPTIONS, "register": "off"})
    assert np.array_equal(fused, worker.voxels(expected))
    as_it_was = worker.ask("fuse", **pair, options={**OPTIONS, "register": "off"})
    assert not np.array_equal(fused, worker.voxels(as_it_was))
    assert searches(worker) == 1


def test_a_place_is_searched_anew_for_other_choices(ready):
    worker, pair = ready
    for options in (OPTIONS, RIGID, {**RIGID, "accept_doubtful": True}):
        assert worker.ask("place", **pair, options=options)["reply"] == "result"
    assert searches(worker) == 3


def test_what_must_not_be_moved_is_refused(ready):
    worker, pair = ready
    (worker.temporary / "verdict").write_text("does not match")
    for request in ("place", "preview", "fuse"):
        reply = worker.ask(request, **pair, options=RIGID, slice=0)
        assert reply["code"] == "input"
        assert "was not registered" in reply["sentence"]
    (place,) = worker.ask("place", **pair, options=OPTIONS)["partners"]
    assert place["verdict"] == "does not match"


def test_each_partner_has_its_verdict_in_the_order_given(ready, thick, pet):
    worker, pair = ready
    thin = worker.load((thick[0][:, :, :3], thick[1]), name="thin")
    options = {**OPTIONS, "task": ["pet-mri", "ct-mri"]}
    both = {**pair, "partner": [pair["partner"], thin], "options": options}
    off, thin_place = worker.ask("place", **both)["partners"]
    assert off["verdict"] == "off"
    assert thin_place["verdict"] == "not checked"
    assert thin_place["off_mm"] is thin_place["off_degrees"] is None
    assert thin_place["reason"] == "thin has only 3 slices"
    assert searches(worker) == 1


def test_a_newer_place_replaces_one_and_cancel_ends_between_steps(ready, thick):
    worker, pair = ready
    wait = worker.temporary / "wait"
    wait.touch()
    several = {**pair, "partner": [pair["partner"], worker.load(shifted(thick, 8.0))]}
    several["options"] = {**OPTIONS, "task": ["pet-mri", "mr-mr"]}
    first = worker.send("place", **several)
    assert wait_until(lambda: searches(worker))
    second, third = worker.send_together("place", several, several)
    assert worker.last_reply(second)["code"] == "replaced"
    assert worker.ask("cancel", target=third)["found"]
    assert worker.last_reply(third)["code"] == "cancelled"
    wait.unlink()
    assert worker.last_reply(first)["code"] == "replaced"
    assert searches(worker) == 1  # the second partner's was not begun


def test_a_fusion_that_waits_for_a_check_can_be_cancelled(ready):
    worker, pair = ready
    wait = worker.temporary / "wait"
    wait.touch()
    worker.send("place", **pair, options=OPTIONS)
    assert wait_until(lambda: searches(worker))
    fusion = worker.send("fuse", **pair, options=OPTIONS)
    while worker.next().get("stage") != "prepare":
        pass
    assert worker.ask("cancel", target=fusion)["found"]
    assert worker.last_reply(fusion)["code"] == "cancelled"
    wait.unlink()


def test_a_search_counts_its_steps_and_ends_after_the_one_under_way(ready):
    worker, pair = ready
    wait, step = worker.temporary / "wait", worker.temporary / "step"
    wait.touch()
    asked = worker.send("place", **pair, options=RIGID)
    assert wait_until(lambda: searches(worker))
    step.touch()
    assert wait_until(lambda: not step.exists())
    assert worker.ask("cancel", target=asked)["found"]
    step.touch()
    assert worker.last_reply(asked)["code"] == "cancelled"
    assert [told["done"] for told in worker.said(asked, "progress")] == [0, 1]
    assert {told["total"] for told in worker.said(asked, "progress")} == {STEPS["rigid"]}
    wait.unlink()
    assert worker.ask("place", **pair, options=RIGID)["partners"][0]["verdict"] == "off"
    assert searches(worker) == 2  # what was cancelled was not kept
