"""Requests that take time: one after another on a thread, to be cancelled or replaced."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any

from mactfusion.errors import FusionCancelled, InputError
from mactfusion.worker.protocol import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mactfusion.worker.protocol import Channel, Request

_SENTENCES = {
    "cancelled": "The request was cancelled.",
    "replaced": "A newer preview took its place.",
}


class Job:
    """A request under way or in the queue."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.ended_by = ""

    def check(self) -> None:
        """Give up here if somebody asked for it.

        Raises:
            FusionCancelled: somebody did.
        """
        if self.ended_by:
            raise FusionCancelled


class Jobs:
    """A queue and the thread that works it off.

    Every request gets exactly one last reply: a result or an error.

    Args:
        work: does a job and returns the fields of its result; it calls ``job.check`` as often as
            it can.
        channel: where the replies go.
    """

    def __init__(self, work: Callable[[Job], dict[str, Any]], channel: Channel) -> None:
        self._work = work
        self._channel = channel
        self._queue: deque[Job] = deque()
        self._running: Job | None = None
        self._is_over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work_off, name="jobs", daemon=True)
        self._thread.start()

    def add(self, request: Request) -> None:
        """Queue a request; a preview replaces the one before it.

        Raises:
            RequestError: its id belongs to a request that is not answered yet.
        """
        with self._changed:
            if any(job.request.id == request.id for job in self._open()):
                raise RequestError("bad-request", f"The id {request.id} is in use.")
            if request.kind == "preview":
                for job in self._open():
                    if job.request.kind == "preview":
                        self._end(job, "replaced")
            self._queue.append(Job(request))
            self._changed.notify()

    def cancel(self, request: int) -> bool:
        """End a request, at once in the queue and within one batch when it runs.

        Returns:
            Whether there was one of that id.
        """
        with self._changed:
            found = [job for job in self._open() if job.request.id == request]
            for job in found:
                self._end(job, "cancelled")
            return bool(found)

    def stop(self, timeout_s: float) -> None:
        """Cancel everything and wait for the thread, which may be within a batch."""
        with self._changed:
            self._is_over = True
            for job in self._open():
                self._end(job, "cancelled")
            self._changed.notify()
        self._thread.join(timeout_s)

    def _open(self) -> list[Job]:
        running = [] if self._running is None else [self._running]
        return [*running, *self._queue]

    def _end(self, job: Job, reason: str) -> None:
        job.ended_by = job.ended_by or reason
        if job in self._queue:
            self._queue.remove(job)
            self._channel.error(job.request.id, reason, _SENTENCES[reason])

    def _work_off(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._is_over)
                if self._is_over:
                    return
                self._running = self._queue.popleft()
            reply, fields = self._do(self._running)
            with self._changed:
                # Whoever reads the reply may use the id again.
                self._channel.send(reply, self._running.request.id, **fields)
                self._running = None

    def _do(self, job: Job) -> tuple[str, dict[str, Any]]:
        """Return the last reply to a request and its fields."""
        try:
            return "result", self._work(job)
        except FusionCancelled:
            code, sentence = job.ended_by, _SENTENCES[job.ended_by]
        except RequestError as error:
            code, sentence = error.code, str(error)
        except InputError as error:
            code, sentence = "input", str(error)
        except Exception as error:  # one request fails, the worker goes on
            traceback.print_exc()
            name = type(error).__name__
            code, sentence = "internal", f"Unexpected {name} in the worker; its log says where."
        return "error", {"code": code, "sentence": sentence}
