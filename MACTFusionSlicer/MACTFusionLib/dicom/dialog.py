"""A window beside the panel, made from a ``.ui`` file; the rest of the application waits for it."""

from __future__ import annotations

from typing import Any

import qt
import slicer


class Dialog:
    """A dialog with the widgets of a file.

    Args:
        path: of the ``.ui`` file, whose top is a plain widget.
        title: of the window.
        parent: widget whose window it stands before.

    Attributes:
        ui: the widgets by their names.
    """

    def __init__(self, path: str, title: str, parent: Any) -> None:
        self._window: Any = qt.QDialog(parent)
        self._window.setWindowTitle(title)
        content = slicer.util.loadUI(path)
        layout = qt.QVBoxLayout(self._window)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content)
        self.ui = slicer.util.childWidgetVariables(content)

    def open(self) -> None:
        """Show it and return at once."""
        self._window.open()

    def close(self, *_unused: object) -> None:
        """Close it; safe to call twice."""
        window, self._window = self._window, None
        if window is not None:
            window.hide()
            window.deleteLater()
