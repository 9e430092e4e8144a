"""How files come to the worker's folder and from there: through the folder itself, or in pieces."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .conversation import Steps, Turn, WorkerError

if TYPE_CHECKING:
    from pathlib import Path

    from .process import WorkerProcess

_PIECE = 2**19
"""What a request of the protocol carries."""


class SharedFolder:
    """Files in a folder that the worker sees too.

    Attributes:
        largest: bytes that are written or read at once, between two looks at the window.

    Args:
        folder: the worker's.
    """

    largest = 2**23

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, offset: int, piece: Any, news: dict) -> Steps:
        """Steps: add a piece to a file, which offset 0 begins.

        Args:
            name: of the file.
            offset: bytes that it has by now.
            piece: more bytes.
            news: told meanwhile; {} where there is no more to come.

        Raises:
            WorkerError: there is no room for it.
        """
        try:
            with (self._folder / name).open("ab" if offset else "xb") as file:
                file.write(piece)
        except OSError as error:
            sentence = _("A volume cannot be written to {folder} ({reason}).")
            raise WorkerError(
                "no-room", sentence.format(folder=self._folder, reason=error.strerror)
            ) from error
        if news:
            yield Turn((), news)

    def read(self, name: str, offset: int, room: memoryview, news: dict) -> Steps:
        """Steps: fill room with what a file has from an offset on; see :meth:`write`.

        Returns:
            How many bytes came.

        Raises:
            WorkerError: the file is gone.
        """
        try:
            with (self._folder / name).open("rb") as file:
                file.seek(offset)
                count = file.readinto(room)
        except OSError as error:
            raise damaged() from error
        if news:
            yield Turn((), news)
        return count

    def drop(self, name: str) -> None:
        """Remove a file; safe where there is none."""
        with suppress(OSError):  # on Windows one that the worker reads, which it removes itself
            (self._folder / name).unlink()


class Wire:
    """Files inside the protocol, for a worker whose folder is elsewhere.

    Attributes:
        largest: bytes that are under way at once.

    Args:
        process: the worker.
    """

    largest = 2**22

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process

    def write(self, name: str, offset: int, piece: Any, news: dict) -> Steps:
        """Steps: see :meth:`SharedFolder.write`.

        Raises:
            WorkerError: the worker has no room, or is gone.
        """
        requests = []
        for start in range(0, len(piece), _PIECE):
            part = piece[start : start + _PIECE]
            fields = {
                "file": name,
                "offset": offset + start,
                "data": base64.b64encode(part).decode("ascii"),
                "sha256": hashlib.sha256(part).hexdigest(),
            }
            requests.append(("put", fields))
        yield Turn(requests, news)

    def read(self, name: str, offset: int, room: memoryview, news: dict) -> Steps:
        """Steps: see :meth:`SharedFolder.read`."""
        requests = []
        for start in range(0, len(room), _PIECE):
            size = min(_PIECE, len(room) - start)
            requests.append(("get", {"file": name, "offset": offset + start, "bytes": size}))
        count = 0
        for reply in (yield Turn(requests, news)):
            part = base64.b64decode(reply["data"])
            if hashlib.sha256(part).hexdigest() != reply["sha256"]:
                raise damaged()
            room[count : count + len(part)] = part
            count += len(part)
        return count

    def drop(self, name: str) -> None:
        """Remove a file; the answer is of no use to anybody."""
        self._process.request("drop", lambda _reply: None, file=name)


def damaged() -> WorkerError:
    """Return the error of a file that is not what the worker wrote."""
    return WorkerError("damaged", _("The result was damaged on its way; press Apply again."))
