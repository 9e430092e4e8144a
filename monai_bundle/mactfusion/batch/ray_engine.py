"""The studies of a plan on Ray: actors on any machines of a cluster, each with its network.

The run itself stays where it was started: it claims studies, hands each to an actor that has
nothing to do, and puts results in place. So a plan is done on Ray as on one machine, and an actor
whose machine is lost costs the study in hand, which is begun again.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion import __version__
from mactfusion.batch.deaths import STARTS, Deaths
from mactfusion.batch.share import GIGABYTE
from mactfusion.batch.worker import Task, do
from mactfusion.errors import InputError, inform

if TYPE_CHECKING:
    from mactfusion.batch.outcome import Outcome
    from mactfusion.batch.ray_cluster import Share
    from mactfusion.pipeline import Networks

PATIENCE_S = 30.0
"""Until it is said that the cluster has no room for a worker."""


class RayEngine:
    """Workers on Ray, within a :func:`mactfusion.batch.ray_cluster.cluster`.

    Args:
        share: what they take of it.
    """

    def __init__(self, share: Share) -> None:
        self._share = share
        self._actors: list[_Actor] = []
        self._deaths = Deaths()
        self._false_starts = 0
        self._began = time.monotonic()
        self._is_said = False

    @property
    def has_room(self) -> bool:
        """Whether a worker has nothing to do."""
        return len(self.in_hand) < self._share.workers

    @property
    def in_hand(self) -> list[Task]:
        """What the workers are at."""
        return [actor.task for actor in self._actors if actor.task is not None]

    def start(self, task: Task) -> None:
        """Give a task to a worker that has none; see :attr:`has_room`."""
        free = next((actor for actor in self._actors if actor.task is None), None)
        if free is None:
            free = _Actor(self._share, task.folder)
            self._actors.append(free)
        free.give(task)

    def finished(self, timeout_s: float) -> list[tuple[Task, Outcome | None]]:
        """Wait for workers.

        Args:
            timeout_s: the longest wait.

        Returns:
            Tasks with their outcomes; None where the worker was lost and the task is to be given
            once more, into a folder of its own.

        Raises:
            InputError: no worker can begin, because of what its machine has.
        """
        import ray

        waiting = {actor.awaited: actor for actor in self._actors if actor.task is not None}
        done, _ = ray.wait(list(waiting), num_returns=1, timeout=timeout_s)
        if done:  # and whatever else has come
            done, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
        self._say_if_none_begins()
        ended = [self._heard(waiting[reference]) for reference in done]
        return [(task, outcome) for task, outcome, is_over in ended if is_over]

    def end(self) -> None:
        """End all workers, wherever they are."""
        for actor in self._actors:
            actor.end()
        self._actors.clear()

    def _heard(self, actor: _Actor) -> tuple[Task, Outcome | None, bool]:
        """Take what an actor has said; True at the end where its task is over."""
        import ray

        task = actor.task
        if task is None:
            raise RuntimeError("An actor without a task was waited for.")
        try:
            said = ray.get(actor.awaited)
        except ray.exceptions.RayError as error:
            self._actors.remove(actor)
            actor.end()
            if not actor.has_begun:
                self._count_false_start(error)
            outcome = self._deaths.outcome_of(
                task.study.name, "unexpectedly", had_begun=actor.has_begun
            )
            return task, outcome, True
        if actor.has_begun:
            actor.task = None
            return task, said, True
        _check(said)
        self._false_starts = 0
        actor.begin()
        return task, None, False

    def _count_false_start(self, error: Exception) -> None:
        self._false_starts += 1
        if self._false_starts >= STARTS:
            raise InputError(
                f"{STARTS} workers on Ray ended one after another before they could begin: "
                f"{str(error).strip().splitlines()[-1].strip()}"
            )

    def _say_if_none_begins(self) -> None:
        has_begun = any(actor.has_begun for actor in self._actors)
        if self._is_said or has_begun or time.monotonic() - self._began < PATIENCE_S:
            self._is_said = self._is_said or has_begun
            return
        self._is_said = True
        gpu = " with a GPU" if self._share.gpus_each else ""
        inform(
            f"No worker has begun yet: each waits for a machine{gpu} that has a core and "
            f"{self._share.bytes_each / GIGABYTE:.1f} GB of memory free. The run goes on when "
            "there is one."
        )


@dataclass(frozen=True)
class _Ready:
    """What a worker says of its machine."""

    host: str
    version: str
    sees_folder: bool


class Fuser:
    """What an actor runs: one study after another, with a network that it keeps.

    Args:
        folder: where the run was started, for relative paths.
        bytes_each: memory that a study may take.
    """

    def __init__(self, folder: str, bytes_each: int) -> None:
        os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
        import torch

        torch.set_num_threads(1)
        if Path(folder).is_dir():
            os.chdir(folder)
        self._bytes = bytes_each
        self._networks: Networks = {}

    def ready(self, folder: Path) -> _Ready:
        """Say what this machine has, of the folder of a result too."""
        return _Ready(socket.gethostname(), __version__, folder.is_dir())

    def fuse(self, task: Task) -> Outcome:
        """Do a task."""
        return do(task, self._networks, self._check_memory)

    def _check_memory(self, needed: int) -> None:
        if needed > self._bytes:
            raise InputError(
                f"It needs about {needed / GIGABYTE:.1f} GB of memory, and each worker may take "
                f"{self._bytes / GIGABYTE:.1f}: give the run more with --memory, or fewer "
                "--workers."
            )


class _Actor:
    """A :class:`Fuser` somewhere, and the task that it has."""

    def __init__(self, share: Share, folder: Path) -> None:
        import ray

        self.task: Task | None = None
        self.has_begun = False
        kind: Any = ray.remote(Fuser)
        takes = {"num_cpus": 1, "num_gpus": share.gpus_each, "memory": share.bytes_each}
        self._handle = kind.options(**takes, max_restarts=0).remote(
            str(Path.cwd()), share.bytes_each
        )
        self.awaited = self._handle.ready.remote(folder.absolute())
        self._is_ready = False

    def give(self, task: Task) -> None:
        self.task, self.has_begun = task, False
        if self._is_ready:
            self.begin()

    def begin(self) -> None:
        """Let it begin with its task, now that it is there."""
        self._is_ready = self.has_begun = True
        self.awaited = self._handle.fuse.remote(self.task)

    def end(self) -> None:
        """End it, and wait until it writes no more."""
        import ray

        ray.kill(self._handle)
        with suppress(ray.exceptions.RayError):
            ray.get(self.awaited, timeout=PATIENCE_S)


def _check(ready: _Ready) -> None:
    """Refuse a machine on which no study can become the result that is wanted.

    Raises:
        InputError: it has another version, or does not see the results.
    """
    if ready.version != __version__:
        raise InputError(
            f"{ready.host} has mactfusion {ready.version}, and this run has {__version__}: install "
            "one version on all machines of the cluster."
        )
    if not ready.sees_folder:
        raise InputError(
            f"{ready.host} does not see the output folder: choose one on a drive that all machines "
            "of the cluster have, under one name."
        )
