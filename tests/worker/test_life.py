"""How jobs and the worker itself end: cancelled, replaced, killed; and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from worker_process import LIBRARY, PATIENCE_S, Worker, lives, wait_until

pytestmark = pytest.mark.slow  # each test starts a process that imports torch

SLOW = """
import time
from mactfusion.networks.pixel_weights import PixelWeights
forward = PixelWeights.forward
def slow(self, image):
    time.sleep(0.4)
    return forward(self, image)
PixelWeights.forward = slow
"""

FORGETFUL = """
import torch
from mactfusion.networks.pixel_weights import PixelWeights
forward = PixelWeights.forward
def forgetful(self, image):
    if len(image) > 1:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
    return forward(self, image)
PixelWeights.forward = forgetful
"""

NOISY = """
import os, sys
from mactfusion.networks.pixel_weights import PixelWeights
forward = PixelWeights.forward
def noisy(self, image):
    print("noise from Python")
    os.write(1, b"noise from C\\n")
    os.system("echo noise from a child")
    for _ in range(40):
        os.write(2, b"x" * 99_999 + b"\\n")
    return forward(self, image)
PixelWeights.forward = noisy
"""

BROKEN = """
from mactfusion.networks.pixel_weights import PixelWeights
def broken(self, image):
    raise RuntimeError("secret of the machine")
PixelWeights.forward = broken
"""

PET_MRI = {"task": "pet-mri", "device": "cpu"}


@pytest.fixture
def ready(start, mr, pet):
    """A worker with both volumes, and the fields that name them."""

    def ready(*arguments, before=""):
        worker = start(*arguments, before=before)
        worker.hello()
        pair = {"anatomical": worker.load(mr), "partner": worker.load(pet)}
        return worker, {**pair, "options": PET_MRI}

    return ready


def test_cancel_takes_effect_within_one_batch(ready):
    worker, pair = ready(before=SLOW)
    many = np.random.default_rng(0).random((24, 28, 200), np.float32)  # would take over a minute
    pair["anatomical"] = worker.load((many, np.diag([4.0, 4.0, 0.2, 1.0])))
    running = worker.send("fuse", **pair)
    waiting = worker.send("fuse", **pair)
    while worker.next().get("stage") != "fuse":
        pass
    assert worker.ask("cancel", target=waiting)["found"]
    answer = worker.ask("cancel", target=running)
    assert answer["found"]
    for request in (running, waiting):
        assert worker.last_reply(request)["code"] == "cancelled"
    later = worker.past[worker.past.index(answer) :]
    assert len([reply for reply in later if reply["reply"] == "progress"]) <= 1
    assert worker.said(waiting, "progress") == []
    assert not worker.ask("cancel", target=running)["found"]
    assert worker.ask("preview", **pair, slice=1)["reply"] == "result"
    assert [path.suffix for path in worker.folder.iterdir()] == [".npy"]


def test_newer_preview_replaces_older_ones(ready):
    worker, pair = ready(before=SLOW)
    previews = worker.send_together("preview", *({**pair, "slice": index} for index in range(4)))
    replies = [worker.last_reply(preview) for preview in previews]
    assert replies[-1]["slice"] == 3
    assert {reply["code"] for reply in replies[1:-1]} == {"replaced"}


def test_an_id_is_used_once_at_a_time(ready):
    worker, pair = ready(before=SLOW)
    running = worker.send("fuse", **pair)
    worker.last_id -= 1
    worker.send("fuse", **pair)
    assert worker.last_reply(running)["code"] == "bad-request"


def test_out_of_memory_makes_batches_smaller_and_says_so(ready):
    worker, pair = ready(before=FORGETFUL)
    request = worker.send(
        "fuse", **{**pair, "options": {**PET_MRI, "batch_size": 4, "check": False}}
    )
    record = worker.last_reply(request)["record"]
    said = [warning["sentence"] for warning in worker.said(request, "warning")]
    assert [sentence.split(":")[0] for sentence in said] == ["Out of memory"] * 2
    assert "2 slices at a time" in said[0]
    assert record["notes"] == said


def test_stdout_holds_the_protocol_alone_and_the_log_is_bounded(ready, tmp_path):
    log = tmp_path / "worker.log"
    worker, pair = ready("--log", log, before=NOISY)
    assert worker.ask("fuse", **pair)["reply"] == "result"  # each line of stdout was JSON
    assert wait_until(lambda: log.stat().st_size <= 2**20)
    assert log.stat().st_size > 2**18
    assert b"xxx" in log.read_bytes()


def test_unexpected_errors_end_the_request_and_not_the_worker(ready, tmp_path):
    log = tmp_path / "worker.log"
    worker, pair = ready("--log", log, before=BROKEN)
    reply = worker.ask("fuse", **pair)
    assert reply["code"] == "internal"
    assert "secret" not in reply["sentence"]
    assert "secret of the machine" in log.read_text()
    assert worker.hello()["reply"] == "result"


@pytest.mark.parametrize(
    ("how", "is_busy"),
    [("shutdown", True), ("end of requests", False), ("end of requests", True), ("SIGTERM", True)],
)
def test_nothing_stays_after_the_end(how, is_busy, ready):
    worker, pair = ready(before=SLOW)
    if is_busy:
        worker.send("fuse", **pair)
        while worker.next().get("stage") != "fuse":
            pass
    if how == "shutdown":
        assert worker.ask("shutdown")["reply"] == "result"
    elif how == "SIGTERM":
        worker.process.terminate()
    else:
        worker.process.stdin.close()
    assert worker.process.wait(PATIENCE_S) == 0
    assert list(worker.temporary.iterdir()) == []


def test_what_a_killed_worker_left_is_removed_by_the_next(ready):
    first, _ = ready()
    first.process.kill()
    first.process.wait()
    assert first.folder.exists()
    foreign = first.temporary / "mactfusion-worker-x-y"
    foreign.mkdir()
    living = first.temporary / f"mactfusion-worker-{os.getpid()}-abc"
    living.mkdir()
    second = Worker(first.temporary)
    second.hello()
    left = set(first.temporary.iterdir())
    second.close()
    assert left == {foreign, living, second.folder}


ENDLESS = """
from mactfusion.worker.fusion import Fusion
result = Fusion._result
def endless(self, *given):
    return {**result(self, *given), "number": float("nan")}
Fusion._result = endless
"""


def test_a_result_that_is_no_json_ends_the_request_and_not_the_worker(ready, tmp_path):
    log = tmp_path / "worker.log"
    worker, pair = ready("--log", log, before=ENDLESS)
    for _ in range(2):
        assert worker.ask("preview", **pair, slice=1)["code"] == "internal"
    assert "ValueError" in log.read_text()


PARENT = """
import os, subprocess, sys, time
worker = subprocess.Popen([sys.executable, *sys.argv[2:]], stdin=int(sys.argv[1]))
print(worker.pid, flush=True)
time.sleep(600)
"""


SLOW_START = """
import time
from mactfusion.worker import server
make = server.make_private_folder
def slow():
    folder = make()
    time.sleep(1)
    return folder
server.make_private_folder = slow
server.main()
"""


@pytest.mark.parametrize(
    ("pipe_stays_open", "entry"),
    [
        (False, ("-m", "mactfusion.worker")),
        (True, ("-m", "mactfusion.worker")),
        (True, ("-c", SLOW_START)),  # the parent ends before the worker looks for it
    ],
)
def test_killing_the_parent_ends_the_worker(pipe_stays_open, entry, tmp_path):
    """With the pipe inherited elsewhere there is no end of requests, only the parent's death."""
    requests, to_worker = os.pipe()
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(LIBRARY)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(requests), *entry],
        stdout=subprocess.PIPE,
        pass_fds=[requests, *([] if pipe_stays_open else [to_worker])],
        env=environment,
    )
    os.close(requests)
    if not pipe_stays_open:
        os.close(to_worker)
    pid = int(parent.stdout.readline())
    os.set_blocking(parent.stdout.fileno(), False)
    assert wait_until(lambda: list(tmp_path.iterdir()))
    assert lives(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: not lives(pid))
    assert list(tmp_path.iterdir()) == []
    parent.stdout.close()
    if pipe_stays_open:
        os.close(to_worker)


def test_the_end_of_the_asker_ends_the_worker_behind_a_launcher(start):
    """The launcher, here these tests, is the parent and lives on, and the pipe stays open."""
    asker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    worker = start("--asker", str(asker.pid))
    assert worker.hello()["reply"] == "result"
    asker.kill()
    assert worker.process.wait(PATIENCE_S) == 0
    assert list(worker.temporary.iterdir()) == []
    asker.wait()


def test_an_asker_out_of_sight_is_not_missed(start):
    worker = start("--asker", str(2**31 - 1))
    assert worker.hello()["reply"] == "result"
