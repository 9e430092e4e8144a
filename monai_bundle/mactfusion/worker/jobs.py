"""Requests that take time, to be cancelled or replaced: those of one lane after another."""

from __future__ import annotations

import threading
import time
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
    "replaced": "A newer request took its place.",
}

_LANES = ("fusion", "place")
"""Each has a thread of its own: slices are fused for the eye while a pair is being checked."""

_NEWEST_WINS = ("preview", "place")


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
    """Queues, and the threads that work them off.

    Every request gets exactly one last reply: a result or an error.

    Args:
        work: does a job and returns the fields of its result; it calls ``job.check`` as often as
            it can.
        channel: where the replies go.
    """

    def __init__(self, work: Callable[[Job], dict[str, Any]], channel: Channel) -> None:
        self._work = work
        self._channel = channel
        self._queues: dict[str, deque[Job]] = {lane: deque() for lane in _LANES}
        self._running: dict[str, Job] = {}
        self._is_over = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work_off, args=(lane,), name=lane, daemon=True)
            for lane in _LANES
        ]
        for thread in self._threads:
            thread.start()

    def add(self, request: Request) -> None:
        """Queue a request; a preview, or a place, replaces the one before it.

        Raises:
            RequestError: its id belongs to a request that is not answered yet.
        """
        with self._changed:
            if any(job.request.id == request.id for job in self._open()):
                raise RequestError("bad-request", f"The id {request.id} is in use.")
            if request.kind in _NEWEST_WINS:
                for job in self._open():
                    if job.request.kind == request.kind:
                        self._end(job, "replaced")
            self._queues[_lane_of(request)].append(Job(request))
            self._changed.notify_all()

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
        """Cancel everything and wait for the threads, which may be within a batch."""
        with self._changed:
            self._is_over = True
            for job in self._open():
                self._end(job, "cancelled")
            self._changed.notify_all()
        end = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _open(self) -> list[Job]:
        waiting = [job for queue in self._queues.values() for job in queue]
        return [*self._running.values(), *waiting]

    def _end(self, job: Job, reason: str) -> None:
        job.ended_by = job.ended_by or reason
        queue = self._queues[_lane_of(job.request)]
        if job in queue:
            queue.remove(job)
            self._channel.error(job.request.id, reason, _SENTENCES[reason])

    def _work_off(self, lane: str) -> None:
        queue = self._queues[lane]
        while True:
            with self._changed:
                self._changed.wait_for(lambda: queue or self._is_over)
                if self._is_over:
                    return
                job = self._running[lane] = queue.popleft()
            reply, fields = self._do(job)
            with self._changed:
                # Whoever reads the reply may use the id again.
                try:
                    self._channel.send(reply, job.request.id, **fields)
                except (TypeError, ValueError) as error:  # it cannot be written as JSON
                    self._channel.error(job.request.id, *_unexpected(error))
                del self._running[lane]

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
            code, sentence = _unexpected(error)
        return "error", {"code": code, "sentence": sentence}


def _unexpected(error: Exception) -> tuple[str, str]:
    """Write an error that nobody foresaw into the log; return its code and sentence."""
    traceback.print_exception(error)
    return "internal", f"Unexpected {type(error).__name__} in the worker; its log says where."


def _lane_of(request: Request) -> str:
    return "place" if request.kind == "place" else "fusion"
