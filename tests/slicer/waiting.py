"""Wait for the panel without holding up what it waits for."""

from __future__ import annotations

import time

import psutil
import slicer

PATIENCE_S = 240


def wait(panel, condition):
    """Let events pass until a condition holds; the panel's message says why it does not."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, panel.ui.messageLabel.text
        slicer.app.processEvents()
        time.sleep(0.01)


def has_ended(pid):
    """Whether a process is gone within half a minute; one that is not yet collected counts."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
