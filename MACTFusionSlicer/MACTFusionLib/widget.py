"""The panel: its life in the application, and what its parts are told of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from .batch import Batch
from .dicom.acts import DICOM
from .logic import MACTFusionLogic
from .looking import Looking
from .machine import MachineControls
from .nodes.volumes import partners_in
from .panel.inputs import Inputs
from .panel.last_folder import LastFolder
from .panel.live_log import LiveLog
from .panel.result import ResultControls
from .panel.saving import Saving
from .panel.status import Status
from .parameters import chosen_partner
from .placing import Placing
from .runs import Runs
from .timer import timer
from .views.preview import look_of
from .views.under_mouse import UnderMouse
from .views.watch import Watch

if TYPE_CHECKING:
    from .parameters import MACTFusionParameters

_POLL_MS = 30
"""While an answer is awaited; the thread that reads it gets its turn only while Python runs."""
_IDLE_MS = 1000
_SETTLE_MS = 40


class MACTFusionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Joins the widgets of MACTFusion.ui to the choices, the logic and the parts of the panel."""

    def __init__(self, parent: object = None) -> None:
        self.logic: MACTFusionLogic | None = None
        self._parameters = None
        self._gui_tag = None
        self._is_settling = False
        self._is_entered = False
        self._is_hurrying = False
        super().__init__(parent)

    def setup(self) -> None:
        """Build the panel; nothing is chosen, started or watched before it is entered."""
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/MACTFusion.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = MACTFusionLogic()
        self._pump_timer = timer(_IDLE_MS, self._pump)
        self._settle_timer = timer(_SETTLE_MS, self._settled, is_single=True)
        self.logic.session.asked = self._hurry
        self.watch = Watch(self._settle)
        self._parts(Path(self.resourcePath("requirements.txt")))
        self.ui.applyButton.clicked.connect(self._apply)
        for name in ("inputsSection", "advancedSection", "resultSection"):
            # What was hidden while its section was closed comes up with it otherwise.
            getattr(self.ui, name).contentsCollapsed.connect(self._on_section)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._on_scene_closing)
        self.addObserver(scene, scene.EndCloseEvent, self._on_scene_closed)
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self._on_nodes_changed)
        if getattr(self.parent, "isEntered", False):  # after Reload nobody calls enter()
            self.enter()

    def cleanup(self) -> None:
        """Leave nothing behind: no observer, timer, node or process."""
        for each in (self._pump_timer, self._settle_timer):
            each.stop()
        self.setParameterNode(None)
        self.removeObservers()
        self.watch.stop()
        self.under_mouse.stop()
        self.placing.forget()
        self.live_log.rest()
        self.result.forget()
        self.dicom.stop()
        self.looking.stop()
        self.logic.stop()

    def enter(self) -> None:
        """The module is shown."""
        self._is_entered = True
        self.looking.enter()
        self.initializeParameterNode()
        self.live_log.follow()

    def exit(self) -> None:
        """Another module is shown: a run goes on, preview and flicker rest."""
        self._is_entered = False
        self.watch.stop()
        self.looking.rest()
        self.under_mouse.stop()
        self.placing.forget()
        self.dicom.rest()
        self.live_log.rest()
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
            self.inputs.detect()

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
        self.inputs.show()
        reason = self.status.show()
        self.placing.show()
        self.runs.message.show()
        self.saving.show()
        self.dicom.show()
        self.looking.enable(can_fuse=not reason)
        self.looking.tell()
        self.result.show()
        self.machine.show()

    def _parts(self, requirements: Path) -> None:
        ui, logic = self.ui, self.logic

        def chosen() -> MACTFusionParameters | None:
            return self._parameters

        self.runs = Runs(ui, logic, requirements, self.refresh, self._show_fused)
        self.inputs = Inputs(ui, self.runs, chosen)
        self.status = Status(ui, logic, self.runs.libraries, chosen)
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
        self.result = ResultControls(ui, self.looking, chosen)
        folder = LastFolder()
        self.saving = Saving(ui, logic, self.runs, self.looking, folder)
        self.under_mouse = UnderMouse(logic, self._show_probe, self._chosen_volumes)
        self._show_probe("")
        self.batch = Batch(ui, logic, self.runs, chosen, self.refresh)
        self.dicom = DICOM(
            ui,
            logic,
            self.runs,
            chosen,
            lambda: self.saving.node,
            folder,
            self.resourcePath,
            self.refresh,
        )
        self.machine = MachineControls(ui, logic.session, self.runs, chosen, self.refresh)
        self.live_log = LiveLog(ui, lambda: logic.session.log)

    # ---- running

    def _apply(self, *_unused: object) -> None:
        self.machine.take()
        chosen = self._parameters
        options = self.logic.options_of(chosen)
        partner = chosen_partner(chosen)
        self.looking.expect(look_of(chosen.anatomical, partner, options))
        self.runs.begin([(chosen.anatomical, partner, chosen.output, options)])

    def _show_fused(self, node: Any) -> None:
        self.looking.show(node)
        self.result.blend()

    def _hurry(self) -> None:
        """Look often from now on: an answer is awaited."""
        if not self._is_hurrying:
            self._is_hurrying = True
            self._pump_timer.setInterval(_POLL_MS)
            self._pump_timer.start()

    def _pump(self) -> None:
        had = len(self.logic.session.devices)
        self.logic.pump()
        if len(self.logic.session.devices) != had:
            self.refresh()
        is_awaited = self.logic.session.is_busy or self.logic.is_running
        if self._is_hurrying and not is_awaited:
            self._is_hurrying = False
            self._pump_timer.setInterval(_IDLE_MS)

    # ---- events

    def _on_change(self, *_unused: object) -> None:
        if slicer.mrmlScene.IsBatchProcessing():  # the nodes of a scene come one by one
            self._settle()
            return
        self.looking.blend()
        self.refresh()
        self._settle()

    def _on_section(self, *_unused: object) -> None:
        self.refresh()

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
        if chosen is not None and self._is_entered:
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
        self.dicom.forget()
        self.result.forget()
        self.logic.close_scene()
        self.runs.forget()

    def _on_scene_closed(self, *_unused: object) -> None:
        if self._is_entered:
            self.initializeParameterNode()
