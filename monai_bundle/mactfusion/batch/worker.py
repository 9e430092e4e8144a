"""A process that fuses one study after another, and keeps the network between them."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from dataclasses import dataclass
from multiprocessing import parent_process
from typing import TYPE_CHECKING

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from mactfusion.batch.fuse import Choices
    from mactfusion.batch.outcome import Outcome
    from mactfusion.batch.plan import Study
    from mactfusion.pipeline import Networks


@dataclass(frozen=True)
class Task:
    """What a worker is given.

    Attributes:
        study: what to fuse.
        folder: an empty one for the result.
        choices: of all studies.
        known_key: of the result that there is.
    """

    study: Study
    folder: Path
    choices: Choices
    known_key: str = ""


@dataclass(frozen=True)
class Begun:
    """What a worker says when it takes up a task."""


@dataclass(frozen=True)
class Needs:
    """What a worker asks, and goes on when it is told: True, or why not."""

    bytes: int


def work(pipe: Connection, threads: int) -> None:
    """Do tasks until there are no more; what a process runs.

    Args:
        pipe: tasks come by it, questions for memory and outcomes go back.
        threads: of the network, on a CPU.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who runs the workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    import torch

    torch.set_num_threads(threads)
    networks: Networks = {}

    def ask_memory(needed: int) -> None:
        pipe.send(Needs(needed))
        answer = pipe.recv()
        if answer is not True:
            raise InputError(answer)

    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(Begun())
        pipe.send(do(task, networks, ask_memory))


def do(task: Task, networks: Networks, ask_memory: Callable[[int], None]) -> Outcome:
    """Do a task in a process that has no other at the same time.

    Args:
        task: the study and its folder.
        networks: kept from one task to the next.
        ask_memory: see :func:`mactfusion.batch.fuse.fuse_study`.
    """
    from mactfusion.batch.fuse import SCRATCH, fuse_study

    # What is unpacked lies where it is swept away with the study, whatever dies.
    tempfile.tempdir = str(task.folder / SCRATCH)
    return fuse_study(
        task.study,
        task.folder,
        task.choices,
        known_key=task.known_key,
        networks=networks,
        ask_memory=ask_memory,
    )


def _end_with_parent() -> None:
    """Leave no orphan behind: what it did would be done by another run meanwhile."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
