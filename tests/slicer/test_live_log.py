"""The worker's log while it grows: whole lines, each once, and never too much."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

from MACTFusionLib.worker.log import KEPT_BYTES, WorkerLog
from MACTFusionLib.worker.process import WorkerProcess
from waiting import until

EARLY = """
import sys
sys.stderr.write("before anything is imported\\n")
sys.stderr.flush()
print("no reply", flush=True)
sys.exit("the last words")
"""


def test_lines_come_whole_and_once():
    log = WorkerLog()
    log.append(b"first\nsec")
    text, position = log.since(0)
    assert text == "first\n"
    assert log.since(position) == ("", position)
    log.append("ond ä\n".encode()[:5])
    assert log.since(position) == ("", position)
    log.append("ond ä\n".encode()[5:])
    assert log.since(position)[0] == "second ä\n"


def test_of_too_much_the_end_is_given():
    log = WorkerLog()
    log.append(b"".join(b"line %d\n" % number for number in range(9000)))
    text, position = log.since(0, most=100)
    assert text.startswith("…\nline ")
    assert text.endswith("line 8999\n")
    assert len(text) <= 102
    assert position == log.position
    log.append(b"x" * 200)  # a line without an end
    assert log.since(position, most=100) == ("…\n" + "x" * 100, log.position)


def test_memory_and_file_are_bounded(tmp_path):
    log, path = WorkerLog(), tmp_path / "worker.log"
    log.begin(path)
    for _ in range(50):
        log.append(b"x" * 99_999 + b"\n")
    assert path.stat().st_size <= 2 * KEPT_BYTES
    assert len(log.since(0, most=2**30)[0]) <= KEPT_BYTES + 2
    log.append(b"the end\n")
    assert path.read_bytes().endswith(b"x\nthe end\n")


def test_a_folder_that_is_gone_is_not_made_again(tmp_path):
    log = WorkerLog()
    log.begin(tmp_path / "gone" / "worker.log")
    log.append(b"text\n")
    assert list(tmp_path.iterdir()) == []
    assert log.since(0)[0] == "text\n"


def test_what_is_said_before_and_after_everything_is_in_it():
    log = WorkerLog()
    worker = WorkerProcess([sys.executable, "-c", EARLY], {}, log=log)
    ended = []
    worker.request("hello", ended.append)
    until(lambda: ended, worker.pump)
    text = log.since(0)[0]
    for part in ("before anything is imported", "no reply", "the last words"):
        assert part in text
    worker.stop(0)
