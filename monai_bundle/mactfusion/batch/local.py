"""The studies of a plan on this machine: processes side by side, within a bound of memory.

A process a worker: while one reads or writes, another computes; one that is killed, or that a
library takes down, costs the study in hand and no other.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from mactfusion.batch.deaths import Deaths
from mactfusion.batch.worker import Begun, Needs, Task, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from mactfusion.batch.outcome import Outcome


class LocalEngine:
    """Workers of this machine.

    Args:
        workers: how many processes.
        memory_bytes: that they may need together, by what headers tell.
    """

    def __init__(self, workers: int, memory_bytes: int) -> None:
        self.size = workers
        self._memory = memory_bytes
        self._threads = max(1, (os.cpu_count() or 1) // workers)
        self._workers: list[_Worker] = []
        self._deaths = Deaths()

    @property
    def has_room(self) -> bool:
        """Whether a worker has nothing to do."""
        return len(self.in_hand) < self.size

    @property
    def in_hand(self) -> list[Task]:
        """What the workers are at."""
        return [worker.task for worker in self._workers if worker.task is not None]

    def start(self, task: Task) -> None:
        """Give a task to a worker that has none; see :attr:`has_room`."""
        free = next((worker for worker in self._workers if worker.task is None), None)
        if free is None:
            free = _Worker(self._threads)
            self._workers.append(free)
        free.give(task)

    def finished(self, timeout_s: float) -> list[tuple[Task, Outcome | None]]:
        """Wait for workers, and answer what they ask.

        Args:
            timeout_s: the longest wait.

        Returns:
            Tasks with their outcomes; None where the process died and the task is to be given
            once more, into an empty folder.
        """
        ended: list[tuple[Task, Outcome | None]] = []
        pipes = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        for pipe in wait(list(pipes), timeout_s):
            worker = pipes[pipe]  # type: ignore[index]  # what was given comes back
            task = worker.task
            if task is None:
                continue
            try:
                said: Any = worker.pipe.recv()
            except (EOFError, OSError):
                self._workers.remove(worker)
                ended.append((task, self._outcome_of_dead(task, worker)))
                continue
            if isinstance(said, Begun):
                worker.has_begun = True
            elif isinstance(said, Needs):
                worker.asks = said.bytes
            else:
                worker.task, worker.granted = None, 0
                ended.append((task, said))
        self._grant()
        return ended

    def end(self) -> None:
        """End all workers, wherever they are."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _grant(self) -> None:
        """Let workers go on, in the order of their tasks, as far as memory is free."""
        for worker in self._workers:
            if not worker.asks:
                continue
            if worker.asks > self._memory:
                worker.answer(
                    f"It needs about {worker.asks / 2**30:.1f} GB of memory, and the run may take "
                    f"{self._memory / 2**30:.1f}: give more with --memory."
                )
                continue
            if worker.asks + sum(other.granted for other in self._workers) > self._memory:
                return  # none of those behind overtakes it
            worker.granted = worker.asks
            worker.answer(True)

    def _outcome_of_dead(self, task: Task, worker: _Worker) -> Outcome | None:
        code = worker.end()
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        return self._deaths.outcome_of(task.study.name, how, had_begun=worker.has_begun)


@dataclass
class _Worker:
    threads: int
    task: Task | None = None
    has_begun: bool = False
    asks: int = 0
    granted: int = 0

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=work, args=(theirs, self.threads), name="fusion", daemon=True
        )
        with _threads_of_libraries(self.threads):
            self._process.start()
        theirs.close()

    def give(self, task: Task) -> None:
        self.task, self.has_begun = task, False
        try:
            self.pipe.send(task)
        except OSError:  # it died meanwhile, which is noticed where outcomes are awaited
            return

    def answer(self, answer: bool | str) -> None:
        self.asks = 0
        try:
            self.pipe.send(answer)
        except OSError:
            return

    def end(self) -> int | None:
        """End the process, wherever it is; its folder has no other name yet."""
        self.pipe.close()
        self._process.kill()
        self._process.join()
        return self._process.exitcode


@contextmanager
def _threads_of_libraries(threads: int) -> Iterator[None]:
    """Tell a process that is started inside how many threads its libraries may use."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
