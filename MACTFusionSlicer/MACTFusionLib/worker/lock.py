"""One installation at a time into a Python, also when two applications use it."""

from __future__ import annotations

import hashlib
import os
import sysconfig
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


class TakenError(Exception):
    """Another application has it."""


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock of this Python's libraries; the system lets go of it if Slicer ends.

    Raises:
        TakenError: another application installs into them.
        OSError: the lock cannot be made.
    """
    place = hashlib.sha256(sysconfig.get_path("purelib").encode()).hexdigest()[:16]
    user = os.environ.get("USERNAME", "") if os.name == "nt" else str(os.getuid())
    path = Path(tempfile.gettempdir()) / f"mactfusion-install-{user}-{place}.lock"
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "r+b") as file:
        _take(file)
        yield


def _take(file: BinaryIO) -> None:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise TakenError from error
