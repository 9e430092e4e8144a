"""Batches that a device still works on, and those that it is really through with."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_UNDERWAY = 2
"""Batches handed over at a time: the device never waits, and a cancel is heard after these."""


class Event(Protocol):
    """A place in the device's queue, as :class:`torch.cuda.Event` marks it."""

    def query(self) -> bool:
        """Tell whether the device has come past it."""

    def synchronize(self) -> None:
        """Wait until it has."""


class Underway:
    """Says how many slices are done, never before they are; a GPU is not waited for in between.

    Args:
        mark: puts an event behind all that the device was given; None where nothing is handed
            over, and a batch is done when the call returns.
        report: called with the number of slices done, in order; what it raises stops the run.
    """

    def __init__(self, mark: Callable[[], Event] | None, report: Callable[[int], None]) -> None:
        self._mark = mark
        self._report = report
        self._waiting: deque[tuple[Event, int]] = deque()

    def add(self, done: int) -> None:
        """Note that the device was given slices up to this number."""
        if self._mark is None:
            self._report(done)
            return
        self._waiting.append((self._mark(), done))
        while self._waiting and (len(self._waiting) > MOST_UNDERWAY or self._waiting[0][0].query()):
            self._pass()

    def finish(self) -> None:
        """Wait for all."""
        while self._waiting:
            self._pass()

    def _pass(self) -> None:
        event, done = self._waiting.popleft()
        event.synchronize()
        self._report(done)


def event_maker(device: torch.device) -> Callable[[], Event] | None:
    """Return what marks a place in the queue of a CUDA device; None for others."""
    if device.type != "cuda":
        return None

    def mark() -> Event:
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(device))
        return event

    return mark
