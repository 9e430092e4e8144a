"""The worker process: started, spoken to, and ended together with whatever it started.

The protocol is described in docs/worker_protocol.md. Threads write requests and read replies;
:meth:`WorkerProcess.pump`, which the main thread calls, hands the replies out.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .log import WorkerLog
from .tree import OWN_GROUP, kill_tree

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOL = 2
GRACE_S = 0.2
"""How long the end waits before it kills; the window stands still meanwhile."""

PATIENCE_S = 20.0
"""How long a worker may take to say that it heard of a cancel, which it does at once."""

_LAST_WORDS_S = 2.0
"""How long the reader waits for the rest of what a worker says that has ended: it says why."""

_LONGEST_LINE = 2**22
_BUFFER = 2**20
_FLUSH_S = 0.005
_GLANCE_S = 0.002
_BULK_S = 0.01
_BULK = ("put", "get")

Reply = dict  # as it came: "reply", "id" and the fields
Listener = Callable[[Reply], None]


class WorkerProcess:
    """One worker and the requests that it has not answered yet.

    In 3D Slicer other threads run only while the main thread is in Python and waits there. So it
    waits a few milliseconds for them where there is something to write or to read.

    Args:
        command: program and arguments, or on Windows the line of a command.
        environment: the worker's environment variables.
        folder: where it runs, by default where the application does.
        log: takes what it says besides replies.
        is_remote: whether the program only connects to a worker elsewhere.
    """

    def __init__(
        self,
        command: Sequence[str] | str,
        environment: Mapping[str, str],
        folder: Path | None = None,
        log: WorkerLog | None = None,
        is_remote: bool = False,
    ) -> None:
        hidden = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}
        self._log = log or WorkerLog()
        self._is_remote = is_remote
        self._process = subprocess.Popen(  # noqa: S603  the user's own interpreter, no shell
            command if isinstance(command, str) else list(command),
            bufsize=_BUFFER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # a window on Windows has none to inherit
            env=dict(environment),
            cwd=folder,
            **OWN_GROUP,
            **hidden,
        )
        self._lines: queue.SimpleQueue = queue.SimpleQueue()
        self._replies: queue.SimpleQueue = queue.SimpleQueue()
        self._listeners: dict[int, Listener] = {}
        self._paused: list[int] = []
        self._bulk: set[int] = set()
        self._cancels: dict[int, float] = {}
        self._last_id = 0
        self._has_ended = False
        self._has_spoken = False
        self._is_given_up = False
        self._reason = ""
        self._heard = self._log.position
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()  # first: the reader waits for its end
        for act in (self._write, self._read):
            threading.Thread(target=act, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether requests can be sent: it runs, and its end was not read yet."""
        is_gone = self._has_ended or self._is_given_up
        return not is_gone and self._process.poll() is None

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its last reply, or steps for their turn."""
        return bool(self._listeners)

    def request(self, kind: str, listener: Listener, **fields: Any) -> int:
        """Send a request.

        Args:
            kind: name of the request.
            listener: called from :meth:`pump` with every reply to it. The last one is a ``result``
                or an ``error``; it comes too when the process ends before.
            fields: of the request.

        Returns:
            The id of the request.
        """
        number = self._new(listener)
        if self._has_ended:
            self._replies.put(self._farewell(number))
            return number
        line = json.dumps({"id": number, "request": kind, **fields}) + "\n"
        is_written = threading.Event()
        self._lines.put((line.encode("ascii"), is_written))
        if kind == "cancel":
            self._cancels[number] = time.monotonic() + PATIENCE_S
        if kind in _BULK:
            self._bulk.add(number)
        else:
            is_written.wait(_FLUSH_S)
        return number

    def pause(self, listener: Listener) -> int:
        """Call a listener at the next :meth:`pump`, when other events have had their turn.

        Returns:
            An id as of a request.
        """
        number = self._new(listener)
        self._paused.append(number)
        return number

    def give_up(self) -> None:
        """Take a connection that was never answered for dead, unless another waits for it."""
        if self._is_remote and not self._has_spoken and len(self._listeners) <= 1:
            self._is_given_up = True

    def pump(self) -> None:
        """Hand out the replies that have come, and go on with what was paused."""
        paused, self._paused = self._paused, []
        for number in paused:
            self._hand_out({"reply": "result", "id": number})
        until = time.monotonic() + (_BULK_S if self._bulk else _GLANCE_S if self.is_busy else 0)
        while True:
            left_s = until - time.monotonic()
            try:
                reply = self._replies.get(left_s > 0, max(left_s, 0) or None)
            except queue.Empty:
                break
            if reply is None:
                self._end()
            else:
                self._heard, self._has_spoken = self._log.position, True
                self._hand_out(reply)
            if not self._bulk:
                until = 0
        if self._cancels and min(self._cancels.values()) < time.monotonic():
            self._reason = _("The worker did not answer any more, so it was ended.")
            self.stop(0)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End the process and all that it started; safe to call twice, never raises.

        Args:
            grace_s: how long it may clean up.
        """
        self._lines.put(None)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            kill_tree(self._process)
            try:
                self._process.wait(GRACE_S / 2)
            except subprocess.TimeoutExpired:  # a very busy machine; nothing survives the signal
                logging.warning("MACTFusion: the worker was killed and has not gone yet")
        self._end()

    def _new(self, listener: Listener) -> int:
        self._last_id += 1
        self._listeners[self._last_id] = listener
        return self._last_id

    def _hand_out(self, reply: Reply) -> None:
        if reply.get("id") is None:
            self._reason = str(reply.get("sentence", ""))
            return
        is_last = reply.get("reply") in ("result", "error")
        take = self._listeners.pop if is_last else self._listeners.get
        if is_last:
            self._bulk.discard(reply["id"])
            self._cancels.pop(reply["id"], None)
        listener = take(reply["id"], None)
        if listener is not None:
            listener(reply)

    def _end(self) -> None:
        """Answer every open request with the end."""
        if not self._has_ended:
            self._has_ended = True
            self._lines.put(None)
            self._listener.join(GRACE_S / 2)  # of one that is stopped; else the reader waited
            self._reason = self._reason or self._reason_of_end()
        self._paused, self._bulk, self._cancels = [], set(), {}
        while self._listeners:  # also those that come in answer
            listeners, self._listeners = self._listeners, {}
            for number, listener in listeners.items():
                listener(self._farewell(number))

    def _farewell(self, number: int) -> Reply:
        return {"reply": "error", "id": number, "code": "ended", "sentence": self._reason}

    def _reason_of_end(self) -> str:
        if not self._is_remote:
            return _("The worker ended unexpectedly; its log says more.")
        words = self._log.last_line(self._heard) or _("nothing was said")
        if self._has_spoken:
            return _("The connection to the remote worker ended ({reason}).").format(reason=words)
        return _("The remote worker did not start ({reason}).").format(reason=words)

    def _write(self) -> None:
        """Write lines until there are no more; a worker that is slow holds up nobody else."""
        stream = self._process.stdin
        try:
            for line, is_written in iter(self._lines.get, None):
                stream.write(line)
                stream.flush()
                is_written.set()
        except (OSError, ValueError):  # gone: the reader notices and says so
            logging.debug("MACTFusion: the worker takes no requests any more")
        try:
            stream.close()
        except OSError:
            logging.debug("MACTFusion: the worker was gone already")

    def _read(self) -> None:
        with self._process.stdout as stream:
            for line in iter(lambda: stream.readline(_LONGEST_LINE), b""):
                try:
                    reply = json.loads(line)
                except (ValueError, RecursionError):
                    reply = None
                if isinstance(reply, dict):
                    self._replies.put(reply)
                else:  # such as what a login shell prints
                    self._log.append(line)
        self._listener.join(_LAST_WORDS_S)
        self._replies.put(None)

    def _listen(self) -> None:
        with self._process.stderr as stream:
            for data in iter(lambda: stream.read1(_BUFFER), b""):
                self._log.append(data)
