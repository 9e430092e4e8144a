"""Files that travel inside the protocol, a piece a request, where no folder is shared."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import shutil
import threading
from typing import TYPE_CHECKING, Any

from mactfusion.worker.folder import file_in
from mactfusion.worker.protocol import RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from mactfusion.worker.protocol import Request

LARGEST_PIECE = 2**19
"""Bytes; as base64 it fits into a line of the protocol."""

MOST_FILES = 8
"""Files that came in pieces and wait to be loaded, complete or not."""

SPARE_BYTES = 2**28
"""So much of the disk is left to others."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Pieces:
    """Takes and gives the files of the worker's folder; threads may share it.

    Args:
        folder: the worker's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._came: set[str] = set()
        self._lock = threading.Lock()

    def put(self, request: Request) -> dict[str, Any]:
        """Add a piece to a file, which the first piece begins.

        Raises:
            RequestError: the piece is damaged or out of order, or there is no room for it.
        """
        name, offset = request.get("file", str), request.get("offset", int)
        piece = _decoded(request.get("data", str))
        if hashlib.sha256(piece).hexdigest() != request.get("sha256", str):
            raise RequestError("damaged", "A piece of a volume was damaged on its way.")
        with self._lock:
            path = self._begun(name) if offset == 0 else file_in(self._folder, name)
            if path.stat().st_size != offset:
                raise RequestError("bad-request", "The pieces of a file must follow each other.")
            self._check_room(len(piece))
            try:
                with path.open("ab") as file:
                    file.write(piece)
            except OSError as error:
                raise _no_room() from error
        return {"bytes": offset + len(piece)}

    def get(self, request: Request) -> dict[str, Any]:
        """Return a piece of a file, shorter or empty at its end.

        Raises:
            RequestError: there is no such file, or it has no such piece.
        """
        path = file_in(self._folder, request.get("file", str))
        offset, size = request.get("offset", int), request.get("bytes", int)
        total = path.stat().st_size
        if not (offset >= 0 and 0 < size <= LARGEST_PIECE):
            raise RequestError("bad-request", f"A piece has 1 to {LARGEST_PIECE} bytes.")
        with path.open("rb") as file:
            file.seek(offset)
            piece = file.read(size)
        return {
            "data": base64.b64encode(piece).decode("ascii"),
            "sha256": hashlib.sha256(piece).hexdigest(),
            "total": total,
        }

    def drop(self, request: Request) -> dict[str, Any]:
        """Remove a file; the reply says whether there was one.

        Raises:
            RequestError: that is no name of a file.
        """
        name = request.get("file", str)
        if not _NAME.fullmatch(name):
            raise RequestError("bad-request", "The name of the file is not usable.")
        path = self._folder / name
        found = path.is_file()
        path.unlink(missing_ok=True)
        return {"found": found}

    def _begun(self, name: str) -> Path:
        """Make an empty file."""
        self._came = {each for each in self._came if (self._folder / each).exists()}
        if len(self._came) >= MOST_FILES:
            raise RequestError(
                "bad-request", f"{MOST_FILES} files wait already; load or drop them first."
            )
        path = self._folder / name
        if not _NAME.fullmatch(name) or path.exists():
            raise RequestError("bad-request", "The name of a new file is not usable.")
        path.touch(mode=0o600)
        self._came.add(name)
        return path

    def _check_room(self, size: int) -> None:
        if shutil.disk_usage(self._folder).free < size + SPARE_BYTES:
            raise _no_room()


def _decoded(data: str) -> bytes:
    try:
        piece = base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise RequestError("damaged", "A piece of a volume was damaged on its way.") from None
    if not 0 < len(piece) <= LARGEST_PIECE:
        raise RequestError("bad-request", f"A piece has 1 to {LARGEST_PIECE} bytes.")
    return piece


def _no_room() -> RequestError:
    return RequestError(
        "no-room", "The disk of the worker is full: make room in its folder for temporary files."
    )
