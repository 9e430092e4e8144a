"""The choices about this computer: device, model, another Python, a folder of wheels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from .panel.allow import allow
from .panel.lists import choose
from .panel.path_edits import PathChoice
from .summary import device_title
from .worker.conversation import WorkerError
from .worker.versions import versions_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .runs import Runs
    from .worker.session import Session

_PYTHON = "MACTFusion/Python"
_WHEELS = "MACTFusion/Wheels"
_REMOTE = "MACTFusion/Remote"


class MachineControls:
    """Fills the lists that only the worker knows, and keeps what is not for the scene.

    Args:
        ui: widgets of the panel.
        session: the worker.
        runs: says what comes of a check.
        parameters: returns the choices of the scene, or None.
        changed: called when there is something new to show.
    """

    def __init__(
        self,
        ui: Any,
        session: Session,
        runs: Runs,
        parameters: Callable[[], Any],
        changed: Callable[[], None],
    ) -> None:
        self._ui = ui
        self._session = session
        self._runs = runs
        self._parameters = parameters
        self._changed = changed
        settings = qt.QSettings()
        session.python = str(settings.value(_PYTHON, "") or "")
        session.remote = str(settings.value(_REMOTE, "") or "")
        ui.pythonEdit.currentPath = session.python
        ui.remoteEdit.text = session.remote
        for widget in (ui.remoteEdit, ui.remoteEditLabel):
            widget.setVisible(True)
        ui.wheelsEdit.currentPath = str(settings.value(_WHEELS, "") or "")
        ui.deviceComboBox.currentIndexChanged.connect(self._device_chosen)
        ui.modelComboBox.currentIndexChanged.connect(self._model_chosen)
        self._python = PathChoice(ui.pythonEdit, self._python_chosen)
        self._wheels = PathChoice(ui.wheelsEdit, self._wheels_chosen)
        self._weights = PathChoice(ui.weightsEdit, self._weights_chosen)
        ui.remoteEdit.editingFinished.connect(self._remote_chosen)
        ui.checkButton.clicked.connect(self.check)
        ui.reinstallButton.clicked.connect(self._install_again)
        for widget in (ui.reinstallButton, ui.versionsLabel):
            widget.setVisible(True)
        self._versions_of: tuple | None = None

    def show(self) -> None:
        """Fill the lists with what the worker has; without a worker with what is chosen."""
        chosen = self._parameters()
        devices = [(device_title(device), device["name"]) for device in self._session.devices]
        devices = _with_choice([(_("Automatic"), "auto"), *devices], chosen.device)
        choose(self._ui.deviceComboBox, devices, chosen.device)
        models = [
            (model["name"], model["name"])
            for model in self._session.models
            if not model["is_default"] and (chosen.weights or _has_weights(model))
        ]
        standard = [m["name"] for m in self._session.models if m["is_default"]]
        title = _("Standard ({name})").format(name=standard[0]) if standard else _("Standard")
        models = _with_choice([(title, ""), *models], chosen.model)
        choose(self._ui.modelComboBox, models, chosen.model)
        self._weights.show(chosen.weights)
        running = _("A fusion is under way; it would be ended.") if self._runs.is_running else ""
        for edit in (self._ui.pythonEdit, self._ui.remoteEdit):
            allow(edit, running)
        own = _("The worker has a Python of its own; nothing of Slicer's is used.")
        allow(self._ui.reinstallButton, running or (own if self._session.is_external else ""))
        whose = self._session.python, self._session.remote, self._session.hello.get("pid")
        if whose != self._versions_of:
            self._versions_of = whose
            self._ui.versionsLabel.text = versions_text(self._session)

    def take(self) -> None:
        """Use the paths that stand there, also one that is still being typed."""
        for path in (self._python, self._wheels, self._weights):
            path.take()
        self._remote_chosen()

    def check(self) -> None:
        """Start the worker and say what it is."""
        self.take()
        self._runs.say(_("Starting the worker…"))
        try:
            self._session.converse(self._session.greet(), self._checked)
        except WorkerError as error:
            self._runs.say(str(error), is_error=True)

    def _install_again(self, *_unused: object) -> None:
        self.take()
        self._runs.libraries.install_again()
        self._versions_of = None
        self._changed()

    def _checked(self, hello: dict | None, error: Exception | None) -> None:
        if error is not None:
            self._runs.say(str(error), is_error=True)
            return
        devices = ", ".join(device_title(device) for device in hello["devices"])
        template = _("The library mactfusion {version} answers. Devices: {devices}.")
        self._runs.say(template.format(version=hello["version"], devices=devices))
        self._changed()

    def _device_chosen(self, _index: int) -> None:
        if self._parameters() is not None:
            self._parameters().device = self._ui.deviceComboBox.currentData

    def _model_chosen(self, _index: int) -> None:
        if self._parameters() is not None:
            self._parameters().model = self._ui.modelComboBox.currentData

    def _weights_chosen(self, path: str) -> None:
        if self._parameters() is not None:
            self._parameters().weights = path

    def _python_chosen(self, path: str) -> None:
        qt.QSettings().setValue(_PYTHON, path)
        self._session.python = path
        self._session.stop(0)

    def _remote_chosen(self, *_unused: object) -> None:
        command = self._ui.remoteEdit.text.strip()
        if command != self._session.remote:
            qt.QSettings().setValue(_REMOTE, command)
            self._session.remote = command
            self._session.stop(0)

    def _wheels_chosen(self, path: str) -> None:
        qt.QSettings().setValue(_WHEELS, path)


def _has_weights(model: dict) -> bool:
    return any(not weights["problem"] for weights in model["weights"])


def _with_choice(entries: list, chosen: str) -> list:
    """Return entries ``(title, value)`` with a choice that is none of them, as it is named."""
    if chosen in [value for _title, value in entries]:
        return entries
    return [*entries, (Path(chosen).name, chosen)]
