"""What the worker prints, shown while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..timer import timer
from ..worker.environment import log

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_MS = 500


class NewText:
    """Reads what was added to a log since it was read last; a log that was cut is read anew."""

    def __init__(self) -> None:
        self._position = 0
        self._rest = b""

    def __call__(self) -> str:
        """Return whole lines that are new, "" where there are none."""
        try:
            with log().open("rb") as file:
                size = file.seek(0, 2)
                if size < self._position:
                    self._position, self._rest = 0, b""
                file.seek(self._position)
                read = file.read()
        except OSError:  # nothing was printed yet
            return ""
        self._position += len(read)
        lines, end, self._rest = (self._rest + read).rpartition(b"\n")
        return (lines + end).decode("utf-8", "replace")


class LiveLog:
    """Fills the text below the button while it is pressed.

    Args:
        ui: widgets of the panel.
        new_text: returns what was printed since it was asked last.
    """

    def __init__(self, ui: Any, new_text: Callable[[], str]) -> None:
        self._ui = ui
        self._new_text = new_text
        self._timer = timer(_READ_MS, self.read)
        ui.logButton.toggled.connect(self._toggle)

    def read(self) -> None:
        """Add what is new."""
        text = self._new_text().rstrip("\n")
        if text:
            self._ui.logText.appendPlainText(text)

    def rest(self) -> None:
        """Read no more, while another module is shown."""
        self._timer.stop()

    def follow(self) -> None:
        """Read again, where the log is open."""
        self._toggle(self._ui.logButton.checked)

    def _toggle(self, is_open: bool) -> None:
        self._ui.logText.setVisible(is_open)
        if is_open:
            self.read()
            self._timer.start()
        else:
            self._timer.stop()
