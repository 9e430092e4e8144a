"""The last sentence of the panel, and what lies behind it."""

from __future__ import annotations

import traceback
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..nodes.volumes import VolumeError
from ..plain import as_tip
from ..worker.conversation import WorkerError
from ..worker.environment import log
from .verdict import colour_as_warning

_LAST_LINES = 60


class Message:
    """Shows a sentence, and what lies behind it by the button *Details*.

    Args:
        ui: widgets of the panel.

    Attributes:
        details: what lies behind the last sentence, "" for nothing.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._is_error = False
        self.details = ""
        ui.detailsButton.clicked.connect(self._show_details)
        self.say("")

    def say(self, sentence: str, is_error: bool = False, details: str = "") -> None:
        """Show a sentence, "" for none."""
        label = self._ui.messageLabel
        label.text = sentence
        label.setVisible(bool(sentence))
        self._is_error = is_error
        self.show()
        self.details = details
        self._ui.detailsButton.setVisible(bool(details))

    def show(self) -> None:
        """Colour the last sentence; the theme may be another one now."""
        colour_as_warning(self._ui.messageLabel, self._is_error)

    def _show_details(self, *_unused: object) -> None:
        sentence, title = as_tip(self._ui.messageLabel.text), _("MACTFusion")
        # The others of Slicer's boxes write their text into its log, and this one may have names.
        slicer.util.messageBox(sentence, windowTitle=title, detailedText=self.details)


def details_of(notes: str, error: Exception) -> str:
    """Return notes, where an error that nobody foresaw came from, and the end of the log."""
    is_known = isinstance(error, (WorkerError, VolumeError))
    origin = (
        "" if is_known else "".join(traceback.format_exception(None, error, error.__traceback__))
    )
    return "\n\n".join(filter(None, [notes, origin, _end_of_log()]))


def _end_of_log() -> str:
    try:
        lines = log().read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_LAST_LINES:])
