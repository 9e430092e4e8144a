"""The words of the protocol: one JSON object a line, in both directions."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

VERSION = 2
LONGEST_LINE = 2**20
"""Bytes; a colour table of 4096 entries fits several times."""

REQUESTS = (
    *("hello", "put", "get", "drop", "load"),
    *("place", "preview", "fuse", "export", "probe", "cancel", "shutdown"),
)


class RequestError(Exception):
    """A request that cannot be done.

    Args:
        code: one word for programs, see docs/worker_protocol.md.
        sentence: for the user.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        id: chosen by the asker, repeated in every reply.
        kind: one of :data:`REQUESTS`.
        fields: everything else.
    """

    id: int
    kind: str
    fields: Mapping[str, Any]

    def get(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """Return a field.

        Raises:
            RequestError: it is missing, or of another type.
        """
        value = self.fields.get(name)
        # True and False are integers in Python, and no number to anybody who writes a request.
        if not isinstance(value, kind) or isinstance(value, bool):
            raise RequestError("bad-request", f"The field '{name}' of '{self.kind}' is not usable.")
        return value


def parse(line: bytes) -> Request:
    """Read one line.

    Raises:
        RequestError: no JSON object with an integer ``id`` and a known ``request``.
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise RequestError("bad-request", "The line is no JSON.") from None
    if not isinstance(content, dict) or type(content.get("id")) is not int:
        raise RequestError("bad-request", "The line is no JSON object with an integer 'id'.")
    if content.get("request") not in REQUESTS:
        raise RequestError("bad-request", f"The request must be one of {', '.join(REQUESTS)}.")
    return Request(content.pop("id"), content.pop("request"), content)


def id_of(line: bytes) -> int | None:
    """Return the id of a line that is no request, where it has one."""
    try:
        found = json.loads(line)["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if type(found) is int else None


class Channel:
    """Writes replies; threads may share it.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, reply: str, request: int | None, **fields: Any) -> None:
        """Write one reply: "progress", "warning", "result" or "error"."""
        content = {"reply": reply, "id": request, **fields}
        line = json.dumps(content, allow_nan=False).encode("ascii") + b"\n"
        # Nobody listens once the parent is gone, of which the end of the requests tells.
        with self._lock, suppress(OSError):
            self._stream.write(line)
            self._stream.flush()

    def error(self, request: int | None, code: str, sentence: str) -> None:
        """Write the last reply to a request that failed."""
        self.send("error", request, code=code, sentence=sentence)
