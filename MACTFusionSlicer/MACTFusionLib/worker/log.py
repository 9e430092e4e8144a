"""What the worker says besides replies: a file of bounded size, to be read while it grows."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KEPT_BYTES = 2**19
"""So much of the newest text is kept; the file has at most twice as much."""


class WorkerLog:
    """Keeps the newest text, in memory and in a file; threads may share it.

    Positions count bytes since the log was begun, and go on when a worker ends and another starts.
    """

    def __init__(self) -> None:
        self._kept = b""
        self._end = 0
        self._path: Path | None = None
        self._size = 0
        self._lock = threading.Lock()

    @property
    def position(self) -> int:
        """Where the next text will be."""
        return self._end

    def begin(self, path: Path) -> None:
        """Go on in a file; its folder is another's, and gone text is not written anew."""
        with self._lock:
            if path != self._path:
                self._path, self._size = path, 0

    def append(self, data: bytes) -> None:
        """Add text at the end; never raises."""
        with self._lock:
            self._kept = (self._kept + data)[-KEPT_BYTES:]
            self._end += len(data)
            # A log that cannot be written is no reason to stop, and a folder that is gone, none to
            # make it again.
            with suppress(OSError):
                self._write(data)

    def since(self, position: int, most: int = 2**16) -> tuple[str, int]:
        """Return the lines that came after a position, and the position after them.

        Args:
            position: 0, or what the last call returned.
            most: bytes at most; of more text only the end is returned, after a line of "…".
        """
        with self._lock:
            kept, end = self._kept, self._end
        new = kept[max(0, len(kept) - (end - position)) :] if position < end else b""
        whole = max(new.rfind(b"\n"), new.rfind(b"\r")) + 1
        if whole == 0 and len(new) < most:
            return "", position  # a line that is not whole yet
        rest = len(new) - whole if whole else 0
        new = new[: len(new) - rest]
        is_cut = len(new) > most or len(new) + rest < end - position
        if len(new) > most:
            new = new[-most:]
        if is_cut:
            new = b"\xe2\x80\xa6\n" + new[new.find(b"\n") + 1 :]
        return new.decode("utf-8", "replace"), end - rest

    def last_line(self, position: int) -> str:
        """Return the last line that has words and came after a position, "" without any."""
        with self._lock:
            new = self._kept[max(0, len(self._kept) - max(0, self._end - position)) :]
            new = new if position < self._end else b""
        lines = [line.strip() for line in new.decode("utf-8", "replace").splitlines()]
        return next((line[:_LONGEST] for line in reversed(lines) if line), "")

    def _write(self, data: bytes) -> None:
        if self._path is None:
            return
        is_full = self._size + len(data) > 2 * KEPT_BYTES
        with self._path.open("wb" if is_full else "ab") as file:
            file.write(self._kept if is_full else data)
            self._size = file.tell()


_LONGEST = 300
