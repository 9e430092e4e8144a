"""The end of a worker on a machine that is too busy to end it in time."""

from __future__ import annotations

import sys
import types

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

from MACTFusionLib.worker import process


def test_stop_does_not_raise_while_a_killed_worker_is_still_going(monkeypatch):
    monkeypatch.setattr(process, "GRACE_S", 0.0)
    workers = [
        process.WorkerProcess([sys.executable, "-c", "import time; time.sleep(600)"], {})
        for _ in range(5)
    ]
    for worker in workers:
        worker.stop(grace_s=0)
        assert not worker.is_alive


def test_a_child_that_is_gone_does_not_keep_the_others_alive():
    class Gone(Exception):
        pass

    class Process:
        def __init__(self, pid):
            self.pid = pid

        def children(self, recursive):
            return [Process(2), Process(3)]

        def kill(self):
            if self.pid == 2:
                raise Gone
            killed.append(self.pid)

    killed = []
    process._kill_tree(types.SimpleNamespace(Process=Process, NoSuchProcess=Gone), 1)
    assert killed == [3, 1]
