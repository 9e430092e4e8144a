"""Timers of the panel; they run in the main thread, like all that touches nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt

if TYPE_CHECKING:
    from collections.abc import Callable


def timer(interval_ms: int, act: Callable[[], None], is_single: bool = False) -> qt.QTimer:
    """Return a timer that is not started yet."""
    made = qt.QTimer()
    made.setInterval(interval_ms)
    made.setSingleShot(is_single)
    made.timeout.connect(act)
    return made
