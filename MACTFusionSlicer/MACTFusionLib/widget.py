"""The panel: choices, what will happen, and the buttons. What they do lies in other files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from .batch import Batch
from .logic import MACTFusionLogic
from .looking import Looking
from .machine import MachineControls
from .nodes.guess import guess_pair
from .nodes.obstacles import reason_not_to_run
from .nodes.pairs import loaded_volumes
from .nodes.samples import load_samples
from .nodes.save import suggested_name
from .nodes.volumes import VolumeError, partners_in
from .parameters import chosen_partner
from .placing import Placing
from .runs import Runs
from .summary import device_note, plan
from .timer import timer
from .views.preview import look_of
from .views.shown import show_in_front
from .views.under_mouse import UnderMouse
from .views.watch import Watch

if TYPE_CHECKING:
    from .parameters import MACTFusionParameters

_POLL_MS = 30
_SETTLE_MS = 40
_FOLDER = "MACTFusion/Folder"


class MACTFusionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Joins the widgets of MACTFusion.ui to the choices, the logic and the parts of the panel."""

    def __init__(self, parent: object = None) -> None:
        self.logic: MACTFusionLogic | None = None
        self._parameters = None
        self._gui_tag = None
        self._is_settling = False
        super().__init__(parent)

    def setup(self) -> None:
        """Build the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/MACTFusion.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = MACTFusionLogic()
        requirements = Path(self.resourcePath("requirements.txt"))
        self._timers()
        self.watch = Watch(self._settle)
        self._parts(requirements)
        self._connect_buttons()
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._on_scene_closing)
        self.addObserver(scene, scene.EndCloseEvent, self._on_scene_closed)
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent):
            self.addObserver(scene, event, self._on_nodes_changed)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Leave nothing behind: no observer, timer, node or process."""
        for each in (self._pump_timer, self._settle_timer):
            each.stop()
        self.setParameterNode(None)
        self.removeObservers()
        self.watch.stop()
        self.under_mouse.stop()
        self.placing.forget()
        self.looking.stop()
        self.logic.stop()

    def enter(self) -> None:
        """The module is shown; nothing is watched or fused before."""
        self.looking.enter()
        self.initializeParameterNode()

    def exit(self) -> None:
        """Another module is shown: a run goes on, preview and flicker rest."""
        self.watch.stop()
        self.looking.rest()
        self.under_mouse.stop()
        self.placing.forget()
        self.setParameterNode(None)

    def onReload(self) -> None:  # noqa: N802  Slicer
        """Reload the package too, and not the entry alone."""
        for name in [n for n in sys.modules if n.partition(".")[0] == "MACTFusionLib"]:
            del sys.modules[name]
        super().onReload()

    def initializeParameterNode(self) -> None:  # noqa: N802  Slicer
        """Use the choices of the scene, with a guess where there are none."""
        self.setParameterNode(self.logic.getParameterNode())
        if self._parameters.anatomical is None and self._parameters.partner is None:
            self._guess()

    def setParameterNode(self, parameters: MACTFusionParameters | None) -> None:  # noqa: N802  Slicer
        """Show other choices, or none."""
        if self._parameters is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameters, vtk.vtkCommand.ModifiedEvent, self._on_change)
        self._parameters = parameters
        if parameters is not None:
            self._gui_tag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._on_change)
            self.refresh()
            self._settle()

    def refresh(self) -> None:
        """Say what will happen, and enable what can be done."""
        if self._parameters is None:
            return
        chosen = self._parameters
        partner = chosen_partner(chosen)
        grid = chosen.grid.value
        reason = reason_not_to_run(
            chosen.anatomical,
            partner,
            chosen.output,
            chosen.task.value,
            grid,
            chosen.register.value,
        )
        is_running = self.logic.is_running
        display = chosen.display.value
        self.ui.gridLabel.text = reason or plan(
            chosen.anatomical, partner, display, grid, chosen.register.value
        )
        self.placing.show()
        self.ui.deviceLabel.text = device_note(chosen.device, self.logic.session.devices)
        self.ui.deviceLabel.setVisible(bool(self.ui.deviceLabel.text))
        self.ui.applyButton.enabled = not reason and not is_running
        running = _("A fusion is under way.") if is_running else ""
        self.ui.applyButton.toolTip = running or reason or _("Fuse the whole volume.")
        self.ui.batchButton.enabled = self.ui.pairList.count > 0 and not is_running
        self.ui.swapButton.enabled = bool(chosen.anatomical or chosen.partner)
        self.ui.saveButton.enabled = self._fused_to_save() is not None
        self.looking.enable(can_fuse=not reason)
        self.looking.tell()
        self.machine.show()

    def _fused_to_save(self) -> slicer.vtkMRMLVolumeNode | None:
        """Return what Compare and 3-D show; the last run may be of another patient."""
        chosen, last = self.looking.fused, self.runs.fused
        if chosen is not None or last is None:
            return chosen
        return last if slicer.mrmlScene.IsNodePresent(last) else None

    def _parts(self, requirements: Path) -> None:
        ui, logic = self.ui, self.logic

        def chosen() -> MACTFusionParameters | None:
            return self._parameters

        self.runs = Runs(
            ui, logic, requirements, self.refresh, lambda node: self.looking.show(node)
        )
        self.placing = Placing(
            ui,
            logic,
            self.runs,
            chosen,
            lambda: self.looking.preview.is_under_way,
            self._placed,
        )
        self.looking = Looking(
            ui, logic, self.runs, chosen, lambda: self.placing.lets_preview, self._settle
        )
        self.under_mouse = UnderMouse(logic, self._show_probe, self._chosen_volumes)
        self._show_probe("")
        self.batch = Batch(ui, logic, self.runs, chosen, self.refresh)
        self.machine = MachineControls(ui, logic.session, self.runs, chosen, self.refresh)

    def _timers(self) -> None:
        self._pump_timer = timer(_POLL_MS, self._pump)
        self._settle_timer = timer(_SETTLE_MS, self._settled, is_single=True)
        self._pump_timer.start()

    def _pump(self) -> None:
        had = len(self.logic.session.devices)
        self.logic.pump()
        if len(self.logic.session.devices) != had:
            self.refresh()

    def _connect_buttons(self) -> None:
        ui = self.ui
        for button, act in (
            (ui.guessButton, self._guess),
            (ui.swapButton, self._swap),
            (ui.sampleButton, self._load_samples),
            (ui.applyButton, self._apply),
            (ui.saveButton, self._save),
        ):
            button.clicked.connect(act)

    # ---- volumes

    def _guess(self, *_unused: object) -> None:
        anatomical, partner = guess_pair(loaded_volumes())
        if self._parameters is not None and anatomical is not None:
            self._parameters.anatomical = anatomical
            self._parameters.partner = partner

    def _swap(self, *_unused: object) -> None:
        chosen = self._parameters
        chosen.anatomical, chosen.partner = chosen.partner, chosen.anatomical

    def _load_samples(self, *_unused: object) -> None:
        try:
            nodes = load_samples()
        except OSError as error:
            self.runs.say(str(error), is_error=True)
            return
        self._parameters.anatomical, self._parameters.partner = nodes
        show_in_front(nodes[0])

    # ---- running

    def _apply(self, *_unused: object) -> None:
        chosen = self._parameters
        options = self.logic.options_of(chosen)
        partner = chosen_partner(chosen)
        self.looking.expect(look_of(chosen.anatomical, partner, options))
        self.runs.begin([(chosen.anatomical, partner, chosen.output, options)])

    def _save(self, *_unused: object) -> None:
        node = self._fused_to_save()
        name = node.GetName()  # said before and after: the name of the file holds none
        folder = Path(qt.QSettings().value(_FOLDER, "") or Path.home())
        suggestion = str(folder / suggested_name(node))
        title = _("Save {name}").format(name=name)
        path = qt.QFileDialog.getSaveFileName(
            self.parent, title, suggestion, "NRRD (*.nrrd);;NIfTI (*.nii.gz)"
        )
        if not path:
            return
        try:
            self.logic.save(node, path)
        except VolumeError as error:
            self.runs.say(str(error), is_error=True)
        else:
            qt.QSettings().setValue(_FOLDER, str(Path(path).parent))
            self.runs.say(_("{name} is saved as {path}.").format(name=name, path=path))

    # ---- events

    def _on_change(self, *_unused: object) -> None:
        self.looking.blend()
        self.refresh()
        self._settle()

    def _on_nodes_changed(self, *_unused: object) -> None:
        if self.logic is not None and self._parameters is not None:
            self._settle()

    def _settle(self) -> None:
        """Let more changes come before a preview: scrolling brings many at once."""
        if not self._is_settling:
            self._is_settling = True
            self._settle_timer.start()

    def _settled(self) -> None:
        self._is_settling = False
        chosen = self._parameters
        if chosen is not None and self.looking.is_entered:
            self.watch.follow([chosen.anatomical, chosen.partner, chosen.third, chosen.fourth])
            self.refresh()
            self.looking.follow()
            self.under_mouse.follow()
            self.placing.follow()

    def _chosen_volumes(self) -> list:
        chosen = self._parameters
        if chosen is None or chosen.anatomical is None:
            return []
        return [chosen.anatomical, *partners_in(chosen_partner(chosen))]

    def _show_probe(self, text: str) -> None:
        self.ui.probeLabel.text = text
        self.ui.probeLabel.setVisible(bool(text))

    def _placed(self) -> None:
        self.refresh()
        self._settle()

    def _on_scene_closing(self, *_unused: object) -> None:
        self.setParameterNode(None)
        self.watch.follow([])
        self.looking.forget()
        self.under_mouse.stop()
        self.placing.forget()
        self.batch.forget()
        self.logic.close_scene()
        self.runs.forget()

    def _on_scene_closed(self, *_unused: object) -> None:
        if getattr(self.parent, "isEntered", True):
            self.initializeParameterNode()
