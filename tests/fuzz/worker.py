"""A process that reads what it is told to, with a limit of memory; another one takes its place."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LONGEST_S = 120
"""What has not been read by then never will be: an input is a few kilobytes."""

MEMORY_BYTES = 2 * 2**30
"""More than the process has once everything is imported."""


def _serve(connection: Connection) -> None:
    import resource  # not on every system

    from tests.fuzz.judge import verdict

    verdict(Path("absent.nii"))  # everything is imported, and threads are there
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    limit = psutil.Process().memory_info().vms + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection.send("ready")
    while (path := connection.recv()) is not None:
        connection.send(verdict(Path(path)))


class Worker:
    """Reads one input after the other in a process of its own."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._connection.recv()

    def verdict(self, path: Path) -> tuple[str, str]:
        """See :func:`tests.fuzz.judge.verdict`; a crash and a hang are faults as well."""
        self._connection.send(str(path))
        try:
            if self._connection.poll(LONGEST_S):
                return self._connection.recv()
            fault = f"hangs: not read after {LONGEST_S} s"
        except EOFError:
            self._process.join()
            fault = f"crash: the process ended with {self._process.exitcode}"
        self._process.kill()
        self._process.join()
        self._start()
        return "fault", fault

    def close(self) -> None:
        """End the process."""
        self._connection.send(None)
        self._process.join()
