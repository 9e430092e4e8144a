"""Standard streams: stdout for the protocol alone, everything else into a log of bounded size."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

LARGEST_LOG = 2**20
"""Bytes, before the older half is dropped."""


def claim_stdout() -> BinaryIO:
    """Keep standard output for the protocol, and send what libraries print there to stderr.

    The file descriptor itself is turned, so that prints of C libraries go there too.
    """
    own = os.dup(sys.stdout.fileno())
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(own, "wb")


class BoundedLog:
    """Standard error in a file that stays below :data:`LARGEST_LOG`, give or take a second.

    Without a path standard error stays as it is: the parent's.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is None:
            return
        # Appending, each write goes to the end wherever that is after a cut.
        log = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, sys.stderr.fileno())
        os.close(log)

    def trim(self) -> None:
        """Drop the older half where the log has grown too large; what is written meanwhile too."""
        if self._path is None:
            return
        with suppress(OSError):  # a log that cannot be trimmed is no reason to stop
            if self._path.stat().st_size <= LARGEST_LOG:
                return
            with self._path.open("r+b") as log:
                log.seek(-LARGEST_LOG // 2, os.SEEK_END)
                tail = log.read(LARGEST_LOG // 2)
                log.seek(0)
                log.write(tail[tail.find(b"\n") + 1 :])
                log.truncate()
