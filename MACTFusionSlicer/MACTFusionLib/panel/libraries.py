"""The libraries of the worker: whether they are there, and the question before they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..worker import install

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..worker.session import Session


class Libraries:
    """Knows whether a worker can be started, and installs what it needs.

    Args:
        ui: widgets of the panel.
        session: the worker.
        requirements: path of requirements.txt.
        say: shows a sentence, as :meth:`MACTFusionLib.runs.Runs.say`.
    """

    def __init__(
        self, ui: Any, session: Callable[[], Session], requirements: Path, say: Callable[..., None]
    ) -> None:
        self._ui = ui
        self._session = session
        self._requirements = requirements
        self._say = say
        self._are_there = False

    @property
    def are_ready(self) -> bool:
        """Whether a worker can be started without asking for anything."""
        return not self.what_is_missing()

    def what_is_missing(self) -> str:
        """Say what is missing before anything can be fused, and what to do; "" if nothing is."""
        if self._session().is_external or self._are_there:
            return ""
        missing = install.what_is_missing(self._requirements)  # looked up until nothing is
        self._are_there = not missing
        return missing

    def ensure(self) -> bool:
        """Make sure that the libraries are there; ask before anything is installed."""
        return self.are_ready or self._install(install.missing(self._requirements))

    def install_again(self) -> bool:
        """Install all libraries once more, after a question; a worker that runs is ended."""
        return self._install(install.required(self._requirements), is_again=True)

    def _install(self, libraries: list[install.Library], is_again: bool = False) -> bool:
        """Return whether the libraries can be used now; what came of it was said."""
        obstacle = install.obstacle()
        if obstacle:
            self._say(obstacle, is_error=True)
            return False
        question = install.question(libraries, is_again)
        if not slicer.util.confirmYesNoDisplay(question, _("MACTFusion")):
            self._say(_("Nothing was installed."))
            return False
        self._session().stop()
        self._are_there = False
        try:
            left_to_do = install.install(libraries, self._ui.wheelsEdit.currentPath, is_again)
        except install.InstallError as error:
            self._say(str(error), is_error=True, details=error.details)
            return False
        if left_to_do:
            self._say(left_to_do, is_error=True)
        elif is_again:
            self._say(_("The libraries are installed anew."))
        return not left_to_do
