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
        if self._session().is_external:
            return True
        if not self._are_there:  # looked up until it is so
            self._are_there = not self._obstacle() and not install.missing(self._requirements)
        return self._are_there

    def what_is_missing(self) -> str:
        """Say what is missing before anything can be fused, and what to do; "" if nothing is."""
        if self.are_ready:
            return ""
        names = ", ".join(library.requirement for library in install.missing(self._requirements))
        template = _("libraries are missing ({names}). Apply asks before it installs them.")
        return self._obstacle() or template.format(names=names)

    def ensure(self) -> bool:
        """Make sure that the libraries are there; ask before anything is installed."""
        if self.are_ready:
            return True
        obstacle = self._obstacle()
        if obstacle:
            self._say(obstacle, is_error=True)
            return False
        libraries = install.missing(self._requirements)
        if not slicer.util.confirmYesNoDisplay(install.question(libraries), _("MACTFusion")):
            self._say(_("Nothing was installed, and nothing was fused."))
            return False
        try:
            install.install(libraries, self._ui.wheelsEdit.currentPath)
        except install.InstallError as error:
            self._say(str(error), is_error=True, details=error.details)
            return False
        return True

    def _obstacle(self) -> str:
        return install.too_old() or ("" if install.has_torch() else install.no_torch())
