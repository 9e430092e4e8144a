"""How much of this machine a run takes: processes and memory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

GIGABYTE = 2**30
A_WORKER_GB = 4.0
"""Memory for each worker, where nothing else was chosen."""
_SHARE_OF_MEMORY = 0.8
_CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""Where Linux says what a container may have, version 2 and 1."""


def share_of_machine(workers: int | None, gigabytes: float | None) -> tuple[int, int]:
    """Return how many workers a run has, and the bytes that they may need together.

    Args:
        workers: as chosen; None for one a core, as far as each can have 4 GB.
        gigabytes: as chosen; None for four fifths of what is free.
    """
    bound = int((gigabytes or _SHARE_OF_MEMORY * _free_gigabytes()) * GIGABYTE)
    fitting = min(os.cpu_count() or 1, int(bound / GIGABYTE / A_WORKER_GB))
    return workers or max(1, fitting), bound


def _free_gigabytes() -> float:
    """Return the memory that is free, within the limit of a container where there is one."""
    room = [psutil.virtual_memory().available]
    for folder, most, used in _CGROUPS:
        with suppress(OSError, ValueError):  # no such container, or one without a limit
            room.append(
                int(folder.joinpath(most).read_text()) - int(folder.joinpath(used).read_text())
            )
    return max(min(room), 0) / GIGABYTE
