"""How far a run is, how fast it goes, and how long it will take."""

from __future__ import annotations

import time
from typing import Any


class Pace:
    """Counts slices against the clock."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._done = 0

    @staticmethod
    def unknown(stage: str) -> dict[str, Any]:
        """Return the fields of a progress reply for a stage that does not count."""
        unknown = dict.fromkeys(("done", "total", "slices_per_second", "seconds_left"))
        return {"stage": stage, **unknown}

    @staticmethod
    def of_search(done: int, total: int) -> dict[str, Any]:
        """Return the fields of a progress reply after so many steps of a search."""
        return {**Pace.unknown("place"), "done": done, "total": total}

    def start(self) -> None:
        """Start the clock."""
        self._started, self._done = time.monotonic(), 0

    def after(self, done: int, total: int) -> dict[str, Any]:
        """Return the fields of a progress reply after ``done`` slices of ``total``."""
        if done <= self._done:  # out of memory: the slices begin anew, now at another speed
            self._started = time.monotonic()
        elapsed_s = time.monotonic() - self._started
        rate = done / elapsed_s if elapsed_s > 0 and done > self._done else None
        self._done = done
        return {
            "stage": "fuse",
            "done": done,
            "total": total,
            "slices_per_second": round(rate, 3) if rate else None,
            "seconds_left": round((total - done) / rate, 1) if rate else None,
        }
