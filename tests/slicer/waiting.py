"""Wait for the panel without holding up what it waits for."""

from __future__ import annotations

import time

import slicer

PATIENCE_S = 240


def wait(panel, condition):
    """Let events pass until a condition holds; the panel's message says why it does not."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, panel.ui.messageLabel.text
        slicer.app.processEvents()
        time.sleep(0.01)
