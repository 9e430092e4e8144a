"""A plan on Ray, started here: equal to this machine's own, workers lost, refusals."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import torch
from here_engine import HereEngine

from mactfusion.batch import ray_engine
from mactfusion.batch.deaths import STARTS, TRIES
from mactfusion.batch.engines import check_engine
from mactfusion.batch.fuse import Choices
from mactfusion.batch.outcome import OUTCOME, read_outcome
from mactfusion.batch.plan import Plan
from mactfusion.batch.ray_cluster import Share, cluster, share_of_cluster
from mactfusion.batch.ray_engine import Fuser, RayEngine
from mactfusion.batch.run import Run
from mactfusion.batch.worker import Task
from mactfusion.errors import InputError, informing, listening

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or find_spec("ray") is None, reason="kills processes of Ray"
)
GIGABYTE = 2**30
PATIENCE_S = 600
OPTIONS = {"task": "pet-mri", "register": "off", "check": False}


@pytest.fixture(scope="module")
def share():
    with cluster(None, 2, 8.0, "cpu") as found:
        yield found


@pytest.fixture
def on_ray(plan, output):
    """``on_ray(engine)`` does the plan; outcomes in its order."""

    def do(engine, plan=plan):
        output.mkdir()
        return Run(plan, output, Choices(OPTIONS, report=False)).do(engine)

    return do


def outcomes_of(found):
    return [outcome.outcome for outcome in found]


def relative(plan):
    """The same plan, with paths from where this process is."""

    def of(path):
        return Path(os.path.relpath(path))

    return Plan(
        tuple(
            replace(one, anatomical=of(one.anatomical), partners=tuple(map(of, one.partners)))
            for one in plan.studies
        )
    )


def test_results_are_those_of_this_machine(share, plan, on_ray, output, tmp_path):
    assert share == Share(2, 4 * GIGABYTE)
    assert outcomes_of(on_ray(RayEngine(share), relative(plan))) == ["done"] * 3
    assert sorted(path.name for path in output.iterdir()) == ["a", "b", "c"]
    elsewhere = output.rename(tmp_path / "on ray")
    output.mkdir()
    Run(plan, output, Choices(OPTIONS, report=False)).do(HereEngine())
    for name in "abc":
        ours, theirs = elsewhere / name, output / name
        assert (ours / "fused.nii.gz").read_bytes() == (theirs / "fused.nii.gz").read_bytes()
        assert read_outcome(ours).key == read_outcome(theirs).key
        assert sorted(path.name for path in ours.iterdir()) == sorted(
            path.name for path in theirs.iterdir()
        )


def test_nobody_is_let_in_without_the_token_of_the_run(share):
    import ray

    client = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1])"
    words = [sys.executable, "-c", client, ray.get_runtime_context().gcs_address]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    wrong = {**os.environ, "RAY_AUTH_TOKEN": "0" * 64}
    for known, environment in ((True, os.environ), (False, bare), (False, wrong)):
        tried = subprocess.run(words, env=environment, capture_output=True, timeout=PATIENCE_S)
        assert (tried.returncode == 0) == known
        assert (b"AuthenticationError" in tried.stderr) != known


def kill_workers():
    family = psutil.Process().children(recursive=True)
    workers = [one for one in family if "".join(command_of(one)[:1]).startswith("ray::Fuser")]
    assert workers
    for process in workers:
        process.kill()
    psutil.wait_procs(workers, timeout=PATIENCE_S)


class KillingEngine(RayEngine):
    """Kills its one worker just before it is told of a study, as often as it is told."""

    def __init__(self, share, study, times):
        super().__init__(replace(share, workers=1))
        self._study, self._left = study, times
        self.begun = []

    def start(self, task):
        self.begun.append(task.study.name)
        if self._actors:
            self._kill(task)
        super().start(task)

    def finished(self, timeout_s):
        for actor in self._actors:
            if actor.task is not None and not actor.has_begun:  # it is told when it is ready
                import ray

                ray.wait([actor.awaited], timeout=PATIENCE_S)
                self._kill(actor.task)
        return super().finished(timeout_s)

    def _kill(self, task):
        if task.study.name == self._study and self._left:
            self._left -= 1
            kill_workers()


@pytest.mark.parametrize(("times", "expected"), [(1, "done"), (TRIES, "failed")])
def test_a_worker_that_is_lost_costs_the_study_in_hand_and_no_other(
    share, on_ray, output, times, expected, capfd
):
    engine = KillingEngine(share, "b", times)
    said = []
    with listening(said.append):
        found = on_ray(engine)
    assert said == ["The process of b ended unexpectedly; the study is begun again."] * (
        engine.begun.count("b") - 1
    )
    assert capfd.readouterr() == ("", "")
    assert outcomes_of(found) == ["done", expected, "done"]
    assert engine.begun == ["a", *["b"] * (times + (expected == "done")), "c"]
    assert sorted(path.name for path in output.iterdir()) == ["a", "b", "c"]
    assert read_outcome(output / "b").outcome == expected
    if expected == "failed":
        assert f"unexpectedly {TRIES} times" in found[1].sentence


def test_a_worker_without_what_a_run_needs_ends_it(share, on_ray, output, monkeypatch):
    monkeypatch.setattr(ray_engine, "__version__", "0.0.1")
    with pytest.raises(InputError, match=r"and this run has 0\.0\.1: install one version"):
        on_ray(RayEngine(share))
    assert list(output.iterdir()) == []


@pytest.fixture
def fuser(tmp_path, monkeypatch):
    """What an actor runs, in this process; each study may take half a gigabyte."""
    monkeypatch.setenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
    monkeypatch.setattr(tempfile, "tempdir", None)
    threads = torch.get_num_threads()
    yield Fuser(str(tmp_path / "nowhere"), GIGABYTE // 2)
    torch.set_num_threads(threads)


def test_a_study_that_needs_more_than_a_worker_may_take_fails(fuser, plan, tmp_path):
    outcome = fuser.fuse(Task(plan.studies[0], tmp_path, Choices(OPTIONS)))
    assert outcome.outcome == "failed"
    assert "each worker may take 0.5: give the run more with --memory" in outcome.sentence


def test_a_worker_that_does_not_see_the_results_is_told_by_their_folder(fuser, tmp_path):
    ready = fuser.ready(tmp_path / "none")
    assert not ready.sees_folder
    with pytest.raises(InputError, match=f"^{ready.host} does not see the output folder"):
        ray_engine._check(ready)
    ray_engine._check(replace(ready, sees_folder=True))


def test_workers_that_never_begin_end_the_run(share):
    engine = RayEngine(share)
    for _ in range(STARTS - 1):
        engine._count_false_start(RuntimeError("first"))
    with pytest.raises(InputError, match=r"could begin: No module named 'mactfusion'$"):
        engine._count_false_start(RuntimeError("first\nNo module named 'mactfusion'\n"))


def test_a_cluster_without_room_is_said_once(share, monkeypatch):
    monkeypatch.setattr(ray_engine, "PATIENCE_S", -1.0)
    said = []
    with informing(said.append):
        engine = RayEngine(replace(share, bytes_each=3 * GIGABYTE))
        for _ in range(2):
            engine._say_if_none_begins()
    assert said == [
        "No worker has begun yet: each waits for a machine that has a core and 3.0 GB of memory "
        "free. The run goes on when there is one."
    ]


@pytest.mark.parametrize(
    ("resources", "chosen", "expected"),
    [
        ({"CPU": 8, "memory": 64 * GIGABYTE}, (None, None, "auto"), Share(8, 4 * GIGABYTE)),
        ({"CPU": 8, "memory": 17 * GIGABYTE}, (None, None, "auto"), Share(4, 4 * GIGABYTE)),
        ({"CPU": 8, "memory": 64 * GIGABYTE}, (2, 12.0, "auto"), Share(2, 6 * GIGABYTE)),
        ({"CPU": 8, "memory": 64 * GIGABYTE}, (None, 12.0, "auto"), Share(3, 4 * GIGABYTE)),
        ({"CPU": 8, "GPU": 2, "memory": 64 * GIGABYTE}, (None, None, "auto"),
         Share(2, 4 * GIGABYTE, 1)),
        ({"CPU": 8, "GPU": 2, "memory": 64 * GIGABYTE}, (None, None, "cpu"),
         Share(8, 4 * GIGABYTE)),
        ({}, (None, None, "auto"), Share(1, 4 * GIGABYTE)),  # one that grows when it is asked
    ],
)  # fmt: skip
def test_what_a_run_takes_of_a_cluster(resources, chosen, expected):
    assert share_of_cluster(resources, *chosen) == expected


def test_ray_is_asked_for_before_studies_are_looked_for(monkeypatch):
    with pytest.raises(InputError, match="say --engine ray too"):
        check_engine("local", "auto")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'mactfusion\[ray\]'"):
        check_engine("ray", None)


@pytest.fixture
def scratch():
    """Where a Ray that is started keeps its own: a short path, as names of sockets have no more."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def mactfusion(archive, scratch, *words, engine="ray"):
    return subprocess.Popen(
        [*(sys.executable, "-m", "mactfusion", "batch", "mr", "pet", "-o", "out"),
         *("--task", "pet-mri", "--engine", engine, "--workers", "1"), *words],
        cwd=archive,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip


def test_nobody_at_an_address_is_said_at_once(archive, scratch):
    running = mactfusion(archive, scratch, "--address", "127.0.0.1:1")
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2
    assert "There is no Ray at 127.0.0.1:1: connection refused." in said
    assert not (archive / "out").exists()


@pytest.mark.slow
def test_a_run_on_ray_that_is_told_to_end_leaves_nothing_and_goes_on_here(archive, scratch):
    out = archive / "out"
    running = mactfusion(archive, scratch)
    end = time.monotonic() + PATIENCE_S
    while not (out / "a").is_dir():
        assert time.monotonic() < end
        assert running.poll() is None
        time.sleep(0.05)
    family = psutil.Process(running.pid).children(recursive=True)
    assert any("ray" in word for process in family for word in command_of(process))
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 128 + signal.SIGTERM
    assert "the same command goes on from there" in said
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert not alive
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert list(scratch.iterdir()) == []
    again = mactfusion(archive, scratch, engine="local")
    told, _ = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0
    assert "a unchanged" in told
    assert "c done" in told
    assert all((out / name / OUTCOME).is_file() for name in "abc")
    assert list(scratch.iterdir()) == []


def command_of(process):
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []
