"""A worker elsewhere, behind a stand-in for ssh: the same voxels, nothing left on either side."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import psutil
import slicer
from MACTFusionLib.logic import MACTFusionLogic
from MACTFusionLib.nodes.volumes import voxels_of
from MACTFusionLib.self_test import make_pair
from MACTFusionLib.worker import carriers
from MACTFusionLib.worker.carriers import Wire
from MACTFusionLib.worker.conversation import WorkerError
from waiting import has_ended, until

SSH = [sys.executable, str(Path(__file__).with_name("ssh_stand_in.py")), "-o", "BatchMode=yes"]
OPTIONS = {"device": "cpu", "task": "pet-mri"}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for ssh forks")


def command(host):
    worker = [os.environ["MACTFUSION_PYTHON"], "-m", "mactfusion.worker"]
    return shlex.join([*SSH, host, *worker])


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """The folder for temporary files of the other computer."""
    folder = tmp_path_factory.mktemp("far")
    before = os.environ.get("FAR_AWAY")
    os.environ["FAR_AWAY"] = str(folder)
    yield folder
    if before is None:
        del os.environ["FAR_AWAY"]


@pytest.fixture(scope="module")
def only_remote(only_scene, library, far):
    logic = MACTFusionLogic()
    logic.session.remote = command("gpu-server")
    yield logic
    logic.stop()


@pytest.fixture
def remote(scene, only_remote, monkeypatch):
    """A logic whose worker is elsewhere; small volumes travel in many pieces."""
    monkeypatch.setattr(carriers, "_PIECE", 1000)
    monkeypatch.setattr(Wire, "largest", 4000)
    only_remote.close_scene()
    return only_remote


@pytest.fixture
def own_remote(scene, library, far):
    """A logic whose worker may be killed."""
    logic = MACTFusionLogic()
    logic.session.remote = command("gpu-server")
    yield logic
    logic.stop()


def files_in(far):
    return {path.name for path in far.rglob("*") if path.is_file()}


def pid_of(logic):
    return logic.session.hello["pid"]


def test_the_result_is_that_of_a_worker_here(remote, logic, far):
    mr, pet = make_pair(shape=(48, 40, 12))
    news = []
    elsewhere = remote.fuse(mr, pet, on_news=news.append, **OPTIONS)
    here = logic.fuse(mr, pet, **OPTIONS)
    assert isinstance(remote.session._carrier, Wire)
    assert not isinstance(logic.session._carrier, Wire)
    assert Path(remote.session.hello["folder"]).parent == far
    assert np.array_equal(voxels_of(elsewhere), voxels_of(here))
    told = [(step["stage"], step.get("name")) for step in news if step["reply"] == "progress"]
    assert ("hand over", "MR") in told
    assert ("hand over", "PET") in told
    assert told[-1][0] == "take over"
    over = [step for step in news if step.get("stage") == "hand over" and step["name"] == "MR"]
    assert [step["done"] for step in over] == sorted({step["done"] for step in over})
    assert over[-1]["done"] == over[-1]["total"]
    until(lambda: not remote.session.is_busy, remote.pump)
    assert files_in(far) == set()


def test_a_preview_is_the_slice_of_the_result(remote, far):
    mr, pet = make_pair()
    fused = voxels_of(remote.fuse(mr, pet, **OPTIONS))
    options = remote.options_for(mr, pet, "as-shown", OPTIONS)
    ended = []
    remote.start_preview(mr, pet, {**options, "axis": "axial"}, 2, 3, lambda *e: ended.append(e))
    remote.wait(lambda: bool(ended))
    assert ended[0][1] is None
    assert np.array_equal(ended[0][0][0][:, :, 0], fused[:, :, 3])
    until(lambda: not remote.session.is_busy, remote.pump)
    assert files_in(far) == set()


@pytest.mark.parametrize("stage", ["hand over", "take over"])
@pytest.mark.parametrize("way", ["cancel", "close"])
def test_what_travels_is_given_up_on_both_sides(way, stage, remote, far):
    mr, pet = make_pair(shape=(48, 40, 12))
    ended, seen = [], []

    def take_news(news):
        if news.get("stage") == stage:
            seen.append(news)
            if len(seen) == 2:  # the first one comes before there is anything to cancel
                remote.cancel() if way == "cancel" else remote.close_scene()

    options = remote.options_for(mr, pet, "fixed", OPTIONS)
    remote.start_fusion(mr, pet, None, options, lambda *end: ended.append(end), take_news)
    remote.wait(lambda: len(seen) > 1 and not remote.is_running and not remote.session.is_busy)
    assert [error.code for _node, error in ended] == (["cancelled"] if way == "cancel" else [])
    assert files_in(far) == set()
    assert remote.fuse(mr, pet, **OPTIONS) is not None


def test_a_volume_that_changes_on_its_way_is_handed_over_anew(remote, logic):
    mr, pet = make_pair(shape=(48, 40, 12))
    changes = []

    def take_news(news):
        if news.get("stage") == "hand over" and news["name"] == "MR" and not changes:
            changes.append(news)
            voxels = slicer.util.arrayFromVolume(mr)
            voxels[:] = voxels[::-1].copy()
            slicer.util.arrayFromVolumeModified(mr)

    fused = remote.fuse(mr, pet, display="fixed", on_news=take_news, **OPTIONS)
    assert changes
    assert np.array_equal(
        voxels_of(fused), voxels_of(logic.fuse(mr, pet, display="fixed", **OPTIONS))
    )


def remove(node):
    if node.GetScene() is not None:
        slicer.mrmlScene.RemoveNode(node)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (slicer.util.arrayFromVolumeModified, "MR changes all the time"),
        (remove, "removed from the scene"),
    ],
    ids=["never rests", "removed"],
)
def test_a_volume_that_never_comes_whole_is_refused(remote, far, change, sentence):
    mr, pet = make_pair(shape=(48, 40, 12))

    def take_news(news):
        if news.get("stage") == "hand over":
            change(mr)

    with pytest.raises(WorkerError, match=sentence):
        remote.fuse(mr, pet, display="fixed", on_news=take_news, **OPTIONS)
    until(lambda: not remote.session.is_busy, remote.pump)
    assert files_in(far) == set()


def test_a_broken_connection_is_said_and_made_anew(own_remote, far):
    mr, pet = make_pair(shape=(64, 64, 400))
    options = own_remote.options_for(mr, pet, "fixed", OPTIONS)
    ended, news = [], []
    own_remote.start_fusion(mr, pet, None, options, lambda *e: ended.append(e), news.append)
    own_remote.wait(lambda: any(step.get("stage") == "fuse" for step in news))
    first, folder = pid_of(own_remote), Path(own_remote.session.hello["folder"])
    own_remote.session._process._process.kill()
    own_remote.wait(lambda: bool(ended))
    assert str(ended[0][1]).startswith("The connection to the remote worker ended")
    assert has_ended(first)
    until(lambda: not folder.exists())
    mr, pet = make_pair()
    assert own_remote.fuse(mr, pet, **OPTIONS) is not None
    second, folder = pid_of(own_remote), Path(own_remote.session.hello["folder"])
    assert second != first
    own_remote.session.stop()
    assert has_ended(second)
    until(lambda: not folder.exists())


def test_a_stop_during_a_run_leaves_nothing_elsewhere(own_remote, far):
    mr, pet = make_pair(shape=(64, 64, 400))
    options = own_remote.options_for(mr, pet, "fixed", OPTIONS)
    news = []
    own_remote.start_fusion(mr, pet, None, options, lambda *_: None, news.append)
    own_remote.wait(lambda: any(step.get("stage") == "fuse" for step in news))
    pid, folder = pid_of(own_remote), Path(own_remote.session.hello["folder"])
    assert psutil.pid_exists(pid)
    own_remote.stop()
    assert has_ended(pid)
    until(lambda: not folder.exists())


def test_what_a_login_shell_prints_does_no_harm_and_is_in_the_log(own_remote):
    own_remote.session.remote = command("chatty")
    mr, pet = make_pair()
    assert own_remote.fuse(mr, pet, **OPTIONS) is not None
    assert "Welcome to gpu-server!" in own_remote.session.log.since(0)[0]


def test_an_unknown_host_is_said_in_the_words_of_ssh(own_remote):
    own_remote.session.remote = command("unknown")
    with pytest.raises(WorkerError, match=r"did not start .Host key verification failed"):
        own_remote.fuse(*make_pair(), **OPTIONS)
    assert "No ED25519 host key is known" in own_remote.session.log.since(0)[0]


def test_a_library_that_is_not_there_is_said(own_remote):
    own_remote.session.remote = shlex.join([*SSH, "gpu-server", "/nowhere/python", "-m", "x"])
    with pytest.raises(WorkerError, match=r"did not start .*not found"):
        own_remote.fuse(*make_pair(), **OPTIONS)


@pytest.mark.parametrize("line", ["/nowhere/ssh gpu-server", 'ssh "gpu-server'])
def test_a_command_that_cannot_be_started_is_said(line, own_remote):
    own_remote.session.remote = line
    with pytest.raises(WorkerError, match="The command of the remote worker cannot be started"):
        own_remote.fuse(*make_pair(), **OPTIONS)


def test_a_connection_that_nobody_answers_can_be_cancelled_and_is_made_anew(own_remote):
    own_remote.session.remote = command("silent")
    mr, pet = make_pair()
    options, ended = own_remote.options_for(mr, pet, "fixed", OPTIONS), []
    own_remote.start_fusion(mr, pet, None, options, lambda *end: ended.append(end))
    first = own_remote.session._process
    own_remote.cancel()
    assert [error.code for _node, error in ended] == ["cancelled"]
    own_remote.session.remote = command("gpu-server")
    assert own_remote.fuse(mr, pet, **OPTIONS) is not None
    assert not first.is_alive
    assert first._process.poll() is not None
