"""Workers of this machine: killed, short of memory, stopped; and the command as a user runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil
import pytest

from mactfusion.batch.deaths import STARTS, TRIES, Deaths
from mactfusion.batch.fuse import Choices
from mactfusion.batch.local import LocalEngine
from mactfusion.batch.need import bytes_needed
from mactfusion.batch.outcome import Outcome, read_outcome
from mactfusion.batch.plan import options_of
from mactfusion.batch.run import Run
from mactfusion.batch.worker import Begun, Needs, Task
from mactfusion.errors import listening

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
PATIENCE_S = 600
OPTIONS = {"task": "pet-mri", "register": "off", "check": False}


class KillingEngine(LocalEngine):
    """Kills the process of a study, as often as it is told.

    Args:
        study: its name.
        times: how often.
        when_begun: once it has begun with the study; else at once.
    """

    def __init__(self, study, times, when_begun):
        super().__init__(1, 64 * 2**30)
        self._study, self._left, self._when_begun = study, times, when_begun
        self.begun = []

    def start(self, task):
        super().start(task)
        self.begun.append(task.study.name)
        if not self._when_begun:
            (worker,) = (one for one in self._workers if one.task is task)
            self._kill(worker)

    def _grant(self):
        for worker in self._workers:
            if worker.asks and self._when_begun:  # it has begun, and waits for an answer
                self._kill(worker)
        super()._grant()

    def _kill(self, worker):
        if worker.task.study.name == self._study and self._left:
            self._left -= 1
            worker.asks = 0
            worker._process.kill()
            worker._process.join()


@pytest.mark.parametrize(
    ("times", "when_begun", "expected"),
    [(TRIES - 1, True, "done"), (TRIES, True, "failed"), (TRIES, False, "done")],
)
def test_a_worker_that_is_killed_costs_the_study_in_hand_and_no_other(
    plan, output, times, when_begun, expected
):
    output.mkdir()
    engine = KillingEngine("b", times, when_begun)
    said = []
    with listening(said.append):
        found = Run(plan, output, Choices(OPTIONS, report=False)).do(engine)
    again = "The process of b ended unexpectedly; the study is begun again."
    assert said == [again] * (engine.begun.count("b") - 1)
    assert [one.outcome for one in found] == ["done", expected, "done"]
    assert engine.begun.count("b") == times + (expected == "done")
    assert sorted(path.name for path in output.iterdir()) == ["a", "b", "c"]
    assert read_outcome(output / "b").outcome == expected
    if expected == "failed":
        assert f"signal 9 {TRIES} times" in found[1].sentence


def test_a_worker_that_never_begins_ends_its_study():
    deaths = Deaths()
    for _ in range(STARTS - 1):
        assert deaths.outcome_of("a", "by signal 9", had_begun=False) is None
    outcome = deaths.outcome_of("a", "by signal 9", had_begun=False)
    assert outcome.outcome == "failed"
    assert f"{STARTS} times before it began" in outcome.sentence
    assert deaths.outcome_of("b", "by signal 9", had_begun=True) is None


def mactfusion(*words, cwd):
    """Start the command in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "mactfusion", *map(str, words)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(there_is):
    end = time.monotonic() + PATIENCE_S
    while not there_is():
        assert time.monotonic() < end
        time.sleep(0.02)


WORDS = ("batch", "mr", "pet", "-o", "out", "--task", "pet-mri", "--workers", "1")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_leaves_no_half_result_and_goes_on(archive, kind):
    out = archive / "out"
    running = mactfusion(*WORDS, cwd=archive)
    wait_for(lambda: (out / "a").is_dir())
    running.send_signal(kind)
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 128 + kind
    assert "the same command goes on from there" in said
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    again = mactfusion(*WORDS, cwd=archive)
    told, _ = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0
    assert "a unchanged" in told
    assert "c done" in told
    assert {path.name for path in out.iterdir()} == {"a", "b", "c", "index.html", "summary.csv"} | (
        {"summary.parquet"} & {path.name for path in out.iterdir()}
    )


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_orphan_and_goes_on(archive):
    out = archive / "out"
    running = mactfusion(*WORDS, cwd=archive)
    wait_for(lambda: list(out.glob(".mactfusion-*-new-*")))
    workers = psutil.Process(running.pid).children(recursive=True)
    assert workers
    running.kill()
    running.communicate(timeout=PATIENCE_S)
    _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
    assert not alive
    again = mactfusion(*WORDS, cwd=archive)
    again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert all((out / name / "fused.nii.gz").is_file() for name in "abc")


class Pipe:
    """What a worker's end of the pipe would hear."""

    def __init__(self):
        self.heard = []

    def send(self, what):
        self.heard.append(what)


class Asking:
    """A worker that asks for memory."""

    def __init__(self, task, needed):
        self.task, self.asks, self.granted, self.pipe = task, needed, 0, Pipe()

    def answer(self, answer):
        self.asks = 0
        self.pipe.send(answer)


def test_studies_share_the_memory_that_a_run_may_take(plan, tmp_path):
    engine = LocalEngine(3, 10 * 2**30)
    tasks = [Task(study, tmp_path, Choices(OPTIONS)) for study in plan.studies]
    first, second, third = workers = [
        Asking(task, gigabytes * 2**30) for task, gigabytes in zip(tasks, (6, 6, 1), strict=True)
    ]
    engine._workers = workers
    engine._grant()
    assert first.pipe.heard == [True]
    assert second.pipe.heard == []
    assert third.pipe.heard == []  # it does not overtake the one that waits
    first.granted = 0
    engine._grant()
    assert second.pipe.heard == [True]
    assert third.pipe.heard == [True]


def test_a_study_that_never_fits_is_refused_with_its_need(plan, tmp_path):
    engine = LocalEngine(1, 2**30)
    worker = Asking(Task(plan.studies[0], tmp_path, Choices(OPTIONS)), 3 * 2**30)
    engine._workers = [worker]
    engine._grant()
    (said,) = worker.pipe.heard
    assert said.startswith("It needs about 3.0 GB of memory, and the run may take 1.0")


def test_the_need_is_told_from_headers(plan):
    study = plan.studies[0]
    small = bytes_needed(study, study.anatomical, options_of(study, OPTIONS), report=False)
    paged = bytes_needed(study, study.anatomical, options_of(study, OPTIONS), report=True)
    fine = {**OPTIONS, "grid": "isotropic"}
    cubes = bytes_needed(study, study.anatomical, options_of(study, fine), report=False)
    assert small < paged
    assert small < cubes


def test_what_a_worker_says_can_be_sent():
    import pickle

    for said in (Begun(), Needs(3), Outcome("a", "done")):
        assert pickle.loads(pickle.dumps(said)) == said
