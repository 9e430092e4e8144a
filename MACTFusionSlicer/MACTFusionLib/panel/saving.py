"""Save as: the fusion of what is chosen, or the last one, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ..nodes.save import suggested_name
from ..nodes.volumes import VolumeError
from .allow import allow

if TYPE_CHECKING:
    from ..logic import MACTFusionLogic
    from ..looking import Looking
    from ..runs import Runs
    from .last_folder import LastFolder


class Saving:
    """Writes a fused volume where the user says.

    Args:
        ui: widgets of the panel.
        logic: writes.
        runs: says what came of it, and knows the last fused volume.
        looking: knows the fused volume of what is chosen.
        folder: where something was saved last.
    """

    def __init__(
        self,
        ui: Any,
        logic: MACTFusionLogic,
        runs: Runs,
        looking: Looking,
        folder: LastFolder,
    ) -> None:
        self._ui = ui
        self._logic = logic
        self._runs = runs
        self._looking = looking
        self._folder = folder
        ui.saveButton.clicked.connect(self._save)

    @property
    def node(self) -> slicer.vtkMRMLVolumeNode | None:
        """What is saved: what Compare and 3-D show, or the last run, also of another patient."""
        chosen, last = self._looking.fused, self._runs.fused
        if chosen is not None or last is None:
            return chosen
        return last if slicer.mrmlScene.IsNodePresent(last) else None

    def show(self) -> None:
        """Enable the button where there is something to save."""
        allow(self._ui.saveButton, "" if self.node is not None else _("Nothing was fused yet."))

    def _save(self, *_unused: object) -> None:
        node = self.node
        name = node.GetName()  # said before and after: the name of the file holds none
        suggestion = str(self._folder.path / suggested_name(node))
        title = _("Save {name}").format(name=name)
        path = qt.QFileDialog.getSaveFileName(
            self._ui.saveButton, title, suggestion, "NRRD (*.nrrd);;NIfTI (*.nii.gz)"
        )
        if not path:
            return
        try:
            self._logic.save(node, path)
        except VolumeError as error:
            self._runs.say(str(error), is_error=True)
        else:
            self._folder.path = Path(path).parent
            self._runs.say(_("{name} is saved as {path}.").format(name=name, path=path))
