"""Two runs on one folder: each study has one owner, and a dead one none."""

from __future__ import annotations

import json
import multiprocessing
import threading

import psutil
import pytest

from mactfusion.batch import claim
from mactfusion.batch.claim import FOLDER, SILENCE_S, Claims


@pytest.fixture
def claims(tmp_path):
    with Claims(tmp_path) as own:
        yield own


@pytest.fixture
def others(tmp_path):
    with Claims(tmp_path) as own:
        yield own


@pytest.fixture
def clock(monkeypatch):
    """``clock[0]`` is the time that runs compare."""
    now = [100.0]
    monkeypatch.setattr(claim.time, "monotonic", lambda: now[0])
    return now


def write_claim(folder, study, **changed):
    """Leave the claim of another process."""
    process = psutil.Process()
    content = {"host": "elsewhere", "pid": process.pid, "started": process.create_time()}
    content |= {"token": "other", "beat": 0, **changed}
    path = folder / FOLDER / f"{study}.json"
    path.write_text(json.dumps(content))
    return path


def test_a_study_has_one_owner(claims, others):
    assert claims.take("a")
    assert not others.take("a")
    assert others.take("b")
    assert claims.is_own("a")
    assert not others.is_own("a")
    claims.release("a")
    assert others.take("a")


def test_of_many_that_want_it_one_gets_it(tmp_path):
    with Claims(tmp_path) as first:
        every = [first, *(Claims(tmp_path) for _ in range(7))]
        taken, start = [], threading.Barrier(len(every))

        def want(own):
            start.wait()
            if own.take("a"):
                taken.append(own)

        threads = [threading.Thread(target=want, args=(own,)) for own in every]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == 1
        assert taken[0].is_own("a")


def test_nothing_is_left_at_the_end(tmp_path):
    with Claims(tmp_path) as own:
        own.take("a")
    assert list(tmp_path.iterdir()) == []


def _take_and_die(folder):
    Claims(folder).take("a")


def test_what_a_dead_process_of_this_machine_had_is_taken_over_at_once(claims, tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_take_and_die, args=(tmp_path,))
    process.start()
    process.join()
    assert (tmp_path / FOLDER / "a.json").is_file()
    assert claims.take("a")
    assert claims.is_own("a")


def test_a_number_that_another_process_has_now_is_no_owner(claims, tmp_path):
    import socket

    write_claim(tmp_path, "a", host=socket.gethostname(), started=1.0)
    assert claims.take("a")


def test_silence_is_measured_by_the_own_clock(claims, tmp_path, clock):
    write_claim(tmp_path, "a")
    assert not claims.take("a")
    clock[0] += SILENCE_S - 1
    assert not claims.take("a")
    write_claim(tmp_path, "a", beat=1)
    clock[0] += 2
    assert not claims.take("a")
    assert claims.is_beating("a")
    clock[0] += SILENCE_S + 1
    assert claims.take("a")


def test_who_slept_has_lost_the_study(claims, tmp_path):
    claims.take("a")
    path = write_claim(tmp_path, "a")
    assert not claims.is_own("a")
    claims.release("a")
    assert json.loads(path.read_text())["token"] == "other"


def test_a_late_finder_gives_a_new_claim_back(claims, tmp_path, clock, monkeypatch):
    write_claim(tmp_path, "a")
    claims.take("a")
    clock[0] += SILENCE_S + 1
    looked = claims._is_silent

    def just_then(study, owner):
        silent = looked(study, owner)
        write_claim(tmp_path, "a", token="new")
        return silent

    monkeypatch.setattr(claims, "_is_silent", just_then)
    assert not claims.take("a")
    assert json.loads((tmp_path / FOLDER / "a.json").read_text())["token"] == "new"
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["a.json"]


def test_a_claim_that_cannot_be_read_is_left_to_its_owner(claims, tmp_path, clock):
    (tmp_path / FOLDER / "a.json").write_text("{")
    assert not claims.take("a")
    clock[0] += SILENCE_S + 1
    assert claims.take("a")


def test_the_heart_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "BEAT_S", 0.01)
    with Claims(tmp_path) as own, Claims(tmp_path) as other:
        own.take("a")
        assert not other.take("a")
        beaten = threading.Event()
        for _ in range(3000):
            if other.take("a") or other.is_beating("a"):
                break
            beaten.wait(0.01)
        assert other.is_beating("a")
        assert own.is_own("a")


def test_a_drive_without_hard_links_is_good_enough(claims, others, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(claim.os, "link", refuse)
    assert claims.take("a")
    assert not others.take("a")
