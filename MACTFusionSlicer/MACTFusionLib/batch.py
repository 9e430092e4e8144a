"""The list of pairs in the scene, and the button that fuses those that are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from .nodes.pairs import find_pairs
from .nodes.patients import SURE, doubt, relation
from .nodes.volumes import partners_in
from .parameters import chosen_options
from .plain import as_tip

if TYPE_CHECKING:
    from collections.abc import Callable

    from .logic import MACTFusionLogic
    from .runs import Runs


class Batch:
    """Fills the list and turns it into runs.

    Args:
        ui: widgets of the panel.
        logic: completes the options of each pair.
        runs: fuses, and says what came of it.
        parameters: returns the choices of the scene, or None.
        changed: called when the list is another one.

    Attributes:
        pairs: ``(anatomical, partner)`` of each row, the partner a list where there are several.
    """

    def __init__(
        self,
        ui: Any,
        logic: MACTFusionLogic,
        runs: Runs,
        parameters: Callable[[], Any],
        changed: Callable[[], None],
    ) -> None:
        self._ui = ui
        self._logic = logic
        self._runs = runs
        self._parameters = parameters
        self._changed = changed
        self.pairs: list = []
        ui.findPairsButton.clicked.connect(self._find)
        ui.batchButton.clicked.connect(self._begin)

    def forget(self) -> None:
        """Let go of the nodes of a scene that is closed."""
        self.pairs = []
        self._ui.pairList.clear()

    def _find(self, *_unused: object) -> None:
        self.pairs = find_pairs()
        self._ui.pairList.clear()
        for anatomical, partner in self.pairs:
            nodes = (anatomical, *partners_in(partner))
            text = " + ".join(node.GetName() for node in nodes)
            is_sure = relation(nodes) == SURE
            item = qt.QListWidgetItem(
                text if is_sure else _("{volumes} (patient not recorded)").format(volumes=text)
            )
            # All partners in one image are another wish than each by itself, and volumes that may
            # be of two patients are fused only where the user says so.
            is_meant = is_sure and len(nodes) == 2
            item.setCheckState(qt.Qt.Checked if is_meant else qt.Qt.Unchecked)
            item.setToolTip(as_tip(doubt(nodes)[0]))
            self._ui.pairList.addItem(item)
        if not self.pairs:
            self._runs.say(_("There is no MR or CT with a PET, SPECT or CT that overlaps it."))
        self._changed()

    def _begin(self, *_unused: object) -> None:
        jobs = []
        for row, (anatomical, partner) in enumerate(self.pairs):
            nodes = (anatomical, *partners_in(partner))
            is_there = all(slicer.mrmlScene.IsNodePresent(node) for node in nodes)
            if is_there and self._ui.pairList.item(row).checkState() == qt.Qt.Checked:
                jobs.append((anatomical, partner, None, self._options_of(anatomical, partner)))
        if not jobs:
            self._runs.say(_("No volumes of the list are checked and still loaded."))
        self._runs.begin(jobs)

    def _options_of(self, anatomical: slicer.vtkMRMLVolumeNode, partner: object) -> dict:
        """Task, windows and colours are those of the pair, not of the volumes chosen above."""
        parameters = self._parameters()
        chosen = {**chosen_options(parameters), "task": "auto"}
        return self._logic.options_for(anatomical, partner, parameters.display.value, chosen)
