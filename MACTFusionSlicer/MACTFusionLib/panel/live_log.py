"""What the worker prints, shown while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..timer import timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..worker.log import WorkerLog

_READ_MS = 500


class LiveLog:
    """Fills the text below the button while it is pressed.

    Args:
        ui: widgets of the panel.
        log: returns what the worker said besides replies.
    """

    def __init__(self, ui: Any, log: Callable[[], WorkerLog]) -> None:
        self._ui = ui
        self._log = log
        self._position = 0
        self._timer = timer(_READ_MS, self.read)
        ui.logButton.toggled.connect(self._toggle)

    def read(self) -> None:
        """Add what is new."""
        text, self._position = self._log().since(self._position)
        if text:
            self._ui.logText.appendPlainText(text.rstrip("\n"))

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
