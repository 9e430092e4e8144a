"""The end of a worker that does not end by itself: soon, with all that it started."""

from __future__ import annotations

import sys

import psutil
import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

from MACTFusionLib.worker import process
from waiting import has_ended, until

LONGEST_S = 0.5
"""The window stands still meanwhile."""

DEAF = "import time; time.sleep(600)"
FAMILY = """
import json, subprocess, sys, time
gone = subprocess.Popen([sys.executable, "-c", ""])
gone.wait()
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
children = [subprocess.Popen(sleep, start_new_session=own) for own in (False, True)]
print(json.dumps({"reply": "result", "id": 1, "pids": [c.pid for c in children]}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def start(monkeypatch):
    """Start a program as a worker; how long it is waited for is written down."""
    started = []

    def start(program):
        worker = process.WorkerProcess([sys.executable, "-c", program], {})
        wait = worker._process.wait

        def waiting(timeout=None):
            waits.append(timeout)
            return wait(timeout)

        waits = []
        monkeypatch.setattr(worker._process, "wait", waiting)
        started.append(worker)
        return worker, waits

    yield start
    for worker in started:
        worker.stop(0)


def assert_ended_in_time(worker, waits):
    """Neither the waits together nor any of them is longer than the window may stand still."""
    joins = process.GRACE_S / 2  # for the last words
    assert sum(waits) + joins < LONGEST_S
    assert None not in waits
    assert not worker.is_alive
    assert has_ended(worker._process.pid)


def test_a_worker_that_hears_nothing_is_killed(start):
    worker, waits = start(DEAF)
    worker.stop()
    assert_ended_in_time(worker, waits)


def test_a_worker_that_reads_nothing_does_not_hold_up_the_window(start):
    worker, waits = start(DEAF)
    ended = []
    for _ in range(8):
        worker.request("put", ended.append, data="x" * 2**20)  # far more than a pipe holds
    worker.request("preview", ended.append)
    worker.pump()
    worker.stop()
    assert_ended_in_time(worker, waits)
    assert [reply["code"] for reply in ended] == ["ended"] * 9


@pytest.mark.parametrize("has_psutil", [True, False])
def test_children_go_too(has_psutil, start, monkeypatch):
    worker, waits = start(FAMILY)
    replies = []
    worker.request("hello", replies.append)
    until(lambda: replies, worker.pump)
    near, far = replies[0]["pids"]
    with monkeypatch.context() as older:
        if not has_psutil:  # as in an older Slicer; then the group of the worker goes
            older.setitem(sys.modules, "psutil", None)
        worker.stop()
    assert_ended_in_time(worker, waits)
    assert has_ended(near)
    if not has_psutil:
        psutil.Process(far).kill()
    assert has_ended(far)


def test_a_second_stop_does_nothing(start):
    worker, waits = start(DEAF)
    worker.stop(0)
    worker.stop()
    assert_ended_in_time(worker, waits)


def test_stop_does_not_raise_while_a_killed_worker_is_still_going(monkeypatch):
    monkeypatch.setattr(process, "GRACE_S", 0.0)
    workers = [process.WorkerProcess([sys.executable, "-c", DEAF], {}) for _ in range(5)]
    for worker in workers:
        worker.stop(grace_s=0)
        assert not worker.is_alive


def test_a_worker_that_does_not_answer_a_cancel_is_ended(start, monkeypatch):
    monkeypatch.setattr(process, "PATIENCE_S", 0.0)
    worker, _waits = start(DEAF)
    ended = []
    number = worker.request("fuse", ended.append)
    worker.request("cancel", ended.append, target=number)
    until(lambda: len(ended) == 2, worker.pump)
    assert {reply["code"] for reply in ended} == {"ended"}
    assert "did not answer any more" in ended[0]["sentence"]
    assert has_ended(worker._process.pid)
