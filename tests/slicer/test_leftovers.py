"""What an application that was killed leaves is removed by the next one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import psutil
from MACTFusionLib.worker import environment

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = """
import sys, time
sys.path.insert(0, sys.argv[1])
from MACTFusionLib.worker import environment
environment.log().write_text("a log")
print(environment.log(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def application(tmp_path):
    """Start a process that has a log; the value is it and the folder of the log."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", APPLICATION, str(ROOT / "MACTFusionSlicer")],
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        started.append(process)
        return process, Path(process.stdout.readline().decode().strip()).parent

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_log_of_a_killed_application_goes_and_others_stay(application, tmp_path):
    killed, folder = application()
    living, other = application()
    foreign = tmp_path / "mactfusion-panel-x-y"
    foreign.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    link = tmp_path / f"mactfusion-panel-{killed.pid}-link"
    link.symlink_to(elsewhere, target_is_directory=True)
    killed.kill()
    killed.wait()
    assert (folder / "worker.log").exists()
    _, newest = application()
    assert set(tmp_path.iterdir()) == {other, newest, foreign, elsewhere, link}
    assert list(elsewhere.iterdir()) == [elsewhere / "kept"]
    assert living.poll() is None


def test_a_killed_application_that_nobody_waited_for_is_dead(application):
    killed, folder = application()
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE
    application()
    assert not folder.exists()


def test_a_number_that_another_process_has_now_is_no_sign_of_life(application, tmp_path):
    old = tmp_path / f"mactfusion-panel-{os.getpid()}-old"
    own = tmp_path / f"mactfusion-panel-{os.getpid()}-own"
    for folder in (old, own):
        folder.mkdir()
    os.utime(old, (0, 0))
    application()
    assert not old.exists()
    assert own.exists()


def test_log_is_private_and_removed_at_the_end(monkeypatch, tmp_path):
    monkeypatch.setattr(environment.tempfile, "tempdir", str(tmp_path))
    environment.remove_log()
    try:
        folder = environment.log().parent
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.name.startswith(f"mactfusion-panel-{os.getpid()}-")
    finally:
        environment.remove_log()
    assert list(tmp_path.iterdir()) == []
