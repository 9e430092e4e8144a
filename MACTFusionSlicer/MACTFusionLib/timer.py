"""Timers of the panel; they run in the main thread, like all that touches nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer

if TYPE_CHECKING:
    from collections.abc import Callable


def timer(interval_ms: int, act: Callable[[], None], is_single: bool = False) -> qt.QTimer:
    """Return a timer that is not started yet.

    It rests while a scene is opened or closed, when nodes are not whole: a progress window lets
    timers ring in the midst of that. One that rings once does so afterwards.
    """
    made = qt.QTimer()
    made.setInterval(interval_ms)
    made.setSingleShot(is_single)

    def ring() -> None:
        if not slicer.mrmlScene.IsBatchProcessing():
            act()
        elif is_single:
            made.start()

    made.timeout.connect(ring)
    return made
