"""The end of a worker on a machine that is too busy to end it in time."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

from MACTFusionLib import process


def test_stop_does_not_raise_while_a_killed_worker_is_still_going(monkeypatch):
    monkeypatch.setattr(process, "GRACE_S", 0.0)
    workers = [
        process.WorkerProcess([sys.executable, "-c", "import time; time.sleep(600)"], {})
        for _ in range(5)
    ]
    for worker in workers:
        worker.stop(grace_s=0)
        assert not worker.is_alive
