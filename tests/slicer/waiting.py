"""Wait for the panel without holding up what it waits for.

Conditions are events that stay; the patience is for machines that are busy with other work.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

import psutil
import slicer

PATIENCE_S = 240


def wait(panel, condition):
    """Let events pass until a condition holds; the panel's message says why it does not."""
    until(condition, slicer.app.processEvents, lambda: panel.ui.messageLabel.text)


def until(condition, meanwhile=lambda: None, reason=lambda: None):
    """Do something again and again until a condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, reason()
        meanwhile()
        time.sleep(0.01)


@contextmanager
def progress_of(panel, act=lambda text: None):
    """Collect every text of the progress, also one that the next replaces at once.

    Args:
        panel: the panel.
        act: called with each text as it is shown.
    """
    runs, said = panel.runs, []
    show = runs._show_progress

    def show_and_tell(news):
        show(news)
        if news is not None:
            said.append(panel.ui.progressLabel.text)
            act(said[-1])

    runs._show_progress = show_and_tell
    try:
        yield said
    finally:
        runs._show_progress = show


def has_ended(pid):
    """Whether a process goes within our patience; one that is not yet collected counts."""
    try:
        until(lambda: _is_gone(pid))
    except AssertionError:
        return False
    return True


def _is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
