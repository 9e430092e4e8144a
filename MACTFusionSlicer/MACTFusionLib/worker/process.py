"""The worker process: started, spoken to, and ended together with whatever it started.

The protocol is described in docs/worker_protocol.md. Replies are read by a thread and handed out by
:meth:`WorkerProcess.pump`, which the main thread calls.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from slicer.i18n import tr as _

PROTOCOL = 1
GRACE_S = 2.0
"""How long the end waits before it kills."""

Reply = dict  # as it came: "reply", "id" and the fields
Listener = Callable[[Reply], None]


class WorkerProcess:
    """One worker and the requests that it has not answered yet.

    Args:
        command: program and arguments.
        environment: the worker's environment variables.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        hidden = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}
        self._process = subprocess.Popen(  # noqa: S603  the user's own interpreter, no shell
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            **hidden,
        )
        self._replies: queue.SimpleQueue = queue.SimpleQueue()
        self._listeners: dict[int, Listener] = {}
        self._last_id = 0
        self._pids = {self._process.pid}
        self._has_ended = False
        self._reason = ""
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether requests can be sent: it runs, and its end was not read yet."""
        return not self._has_ended and self._process.poll() is None

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its last reply."""
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
        self._last_id += 1
        number = self._last_id
        self._listeners[number] = listener
        line = json.dumps({"id": number, "request": kind, **fields}) + "\n"
        try:
            self._process.stdin.write(line.encode("ascii"))
            self._process.stdin.flush()
        except (OSError, ValueError):  # gone: the reader thread notices and says so
            logging.debug("MACTFusion: the worker takes no requests any more")
        return number

    def pump(self) -> None:
        """Hand out the replies that have come."""
        while True:
            try:
                reply = self._replies.get_nowait()
            except queue.Empty:
                return
            if reply is None:
                self._end()
            else:
                self._hand_out(reply)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End the process and all that it started; safe to call twice, never raises.

        Args:
            grace_s: how long it may clean up.
        """
        try:
            self._process.stdin.close()
        except OSError:
            logging.debug("MACTFusion: the worker was gone already")
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._kill()
        self._end()

    def _hand_out(self, reply: Reply) -> None:
        if isinstance(reply.get("pid"), int):
            self._pids.add(reply["pid"])  # the process behind a launcher
        if reply.get("id") is None:
            self._reason = str(reply.get("sentence", ""))
            return
        is_last = reply.get("reply") in ("result", "error")
        take = self._listeners.pop if is_last else self._listeners.get
        listener = take(reply["id"], None)
        if listener is not None:
            listener(reply)

    def _end(self) -> None:
        """Answer every open request with the end."""
        self._has_ended = True
        sentence = self._reason or _("The worker ended unexpectedly; its log says more.")
        listeners, self._listeners = self._listeners, {}
        for number, listener in listeners.items():
            listener({"reply": "error", "id": number, "code": "ended", "sentence": sentence})

    def _kill(self) -> None:
        """Kill the whole tree: Slicer's Python is a launcher, and the worker its child."""
        try:
            import psutil
        except ImportError:  # an older Slicer before the installation of the libraries
            psutil = None
        if psutil is None:
            for pid in self._pids - {self._process.pid}:
                _kill_quietly(pid)
        else:
            for pid in self._pids:
                _kill_tree(psutil, pid)
        self._process.kill()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:  # a very busy machine; nothing survives the signal
            logging.warning("MACTFusion: the worker was killed and has not gone yet")

    def _read(self) -> None:
        for line in self._process.stdout:
            try:
                reply = json.loads(line)
            except ValueError:
                logging.warning("MACTFusion: the worker wrote a line that is no reply")
                continue
            if isinstance(reply, dict):
                self._replies.put(reply)
        self._replies.put(None)


def _kill_tree(psutil: Any, pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [*root.children(recursive=True), root]:
            with suppress(psutil.NoSuchProcess):  # gone already; the others must go too
                process.kill()


def _kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except OSError:
        logging.debug("MACTFusion: a process of the worker was gone already")
