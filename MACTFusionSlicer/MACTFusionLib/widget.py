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

from .compare import VIEWS, CompareViews
from .guess import guess_pair
from .logic import MACTFusionLogic
from .machine import MachineControls
from .pairs import find_pairs, loaded_volumes
from .parameters import chosen_partner
from .preview import LivePreview, look_of
from .result import sources_of
from .runs import Runs
from .samples import load_samples
from .save import suggested_name
from .summary import device_note, plan, reason_not_to_run
from .volumes import VolumeError
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from .parameters import MACTFusionParameters

_POLL_MS = 30
_SETTLE_MS = 40
_FLICKER_MS = 500
_FOLDER = "MACTFusion/Folder"


class MACTFusionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Joins the widgets of MACTFusion.ui to parameters, logic and runs."""

    def __init__(self, parent: object = None) -> None:
        self.logic: MACTFusionLogic | None = None
        self._parameters = None
        self._gui_tag = None
        self._pairs: list = []
        self._is_settling = False
        self._look = ""
        self._preview_said = ""
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
        self.runs = Runs(self.ui, self.logic, requirements, self.refresh, self._show_result)
        self.preview = LivePreview(self.logic, self._say_preview)
        self.compare = CompareViews()
        self._timers()
        self.watch = Watch(self._settle)
        self.machine = MachineControls(
            self.ui, self.logic.session, self.runs, lambda: self._parameters, self.refresh
        )
        self._connect_buttons()
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._on_scene_closing)
        self.addObserver(scene, scene.EndCloseEvent, self._on_scene_closed)
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent):
            self.addObserver(scene, event, self._on_nodes_changed)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Leave nothing behind: no observer, timer, node or process."""
        for timer in (self._pump_timer, self._settle_timer, self._flicker_timer):
            timer.stop()
        self.setParameterNode(None)
        self.removeObservers()
        self.watch.removeObservers()
        self.preview.stop()
        self.compare.leave()
        self.logic.stop()

    def enter(self) -> None:
        """The module is shown."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Another module is shown: a run goes on, the preview rests."""
        self.preview.stop()
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
        reason = reason_not_to_run(chosen.anatomical, partner, chosen.output, chosen.task.value)
        is_running = self.logic.is_running
        self.ui.statusLabel.text = reason or plan(chosen.anatomical, partner, chosen.display.value)
        self.ui.deviceLabel.text = device_note(chosen.device, self.logic.session.devices)
        self.ui.deviceLabel.setVisible(bool(self.ui.deviceLabel.text))
        self.ui.applyButton.enabled = not reason and not is_running
        running = _("A fusion is under way.") if is_running else ""
        self.ui.applyButton.toolTip = running or reason or _("Fuse the whole volume.")
        self.ui.batchButton.enabled = self.ui.pairList.count > 0 and not is_running
        self.ui.swapButton.enabled = bool(chosen.anatomical or chosen.partner)
        fused = self._fused()
        for button in (self.ui.saveButton, self.ui.checkerboardButton, self.ui.flickerButton):
            button.enabled = fused is not None
        self.ui.compareButton.enabled = not reason
        self.machine.show()

    def _fused(self) -> slicer.vtkMRMLVolumeNode | None:
        fused = self.runs.fused
        is_there = fused is not None and slicer.mrmlScene.IsNodePresent(fused)
        return fused if is_there else None

    def _timers(self) -> None:
        self._pump_timer = _timer(_POLL_MS, self._pump)
        self._settle_timer = _timer(_SETTLE_MS, self._settled, is_single=True)
        self._flicker_timer = _timer(_FLICKER_MS, self.compare.flicker)
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
            (ui.findPairsButton, self._find_pairs),
            (ui.batchButton, self._apply_to_pairs),
        ):
            button.clicked.connect(act)
        ui.compareButton.toggled.connect(self._compare)
        ui.flickerButton.toggled.connect(self._flicker)
        ui.checkerboardButton.toggled.connect(self._show_checkerboard)

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
        slicer.util.setSliceViewerLayers(background=nodes[0], foreground=None)

    # ---- running

    def _apply(self, *_unused: object) -> None:
        chosen = self._parameters
        options = self.logic.options_of(chosen)
        partner = chosen_partner(chosen)
        self._look = look_of(chosen.anatomical, partner, options)
        self.runs.begin([(chosen.anatomical, partner, chosen.output, options)])

    def _find_pairs(self, *_unused: object) -> None:
        self._pairs = find_pairs()
        self.ui.pairList.clear()
        for anatomical, partner in self._pairs:
            item = qt.QListWidgetItem(f"{anatomical.GetName()} + {partner.GetName()}")
            item.setCheckState(qt.Qt.Checked)
            self.ui.pairList.addItem(item)
        if not self._pairs:
            self.runs.say(_("There is no MR with a CT, PET or SPECT that overlaps it."))
        self.refresh()

    def _apply_to_pairs(self, *_unused: object) -> None:
        jobs = []
        for row, pair in enumerate(self._pairs):
            is_there = all(slicer.mrmlScene.IsNodePresent(node) for node in pair)
            if is_there and self.ui.pairList.item(row).checkState() == qt.Qt.Checked:
                chosen = {**self.logic.options_of(self._parameters), "task": "auto"}
                for option in ("window", "anatomical_window", "colormap"):
                    chosen.pop(option, None)  # each pair has a display of its own
                display = self._parameters.display.value
                jobs.append((*pair, None, self.logic.options_for(*pair, display, chosen)))
        self.runs.begin(jobs)

    def _save(self, *_unused: object) -> None:
        node = self._fused()
        folder = Path(qt.QSettings().value(_FOLDER, "") or Path.home())
        suggestion = str(folder / suggested_name(node))
        path = qt.QFileDialog.getSaveFileName(
            self.parent, _("Save the fused volume"), suggestion, "NRRD (*.nrrd);;NIfTI (*.nii.gz)"
        )
        if not path:
            return
        try:
            self.logic.save(node, path)
        except VolumeError as error:
            self.runs.say(str(error), is_error=True)
        else:
            qt.QSettings().setValue(_FOLDER, str(Path(path).parent))
            self.runs.say(_("Saved as {path}.").format(path=path))

    # ---- looking

    def _update_preview(self) -> None:
        chosen = self._parameters
        if chosen is None or self.logic.is_running:
            return
        if not chosen.livePreview or not self.runs.is_ready:
            self.preview.stop()
            return
        if self.compare.is_on and self._fused() is not None:
            self.preview.stop()  # the whole volume is there to look at
        elif chosen.anatomical is not None and chosen.partner is not None:
            options = self.logic.options_of(chosen)
            self.preview.update(chosen.anatomical, chosen_partner(chosen), options)

    def _say_preview(self, sentence: str) -> None:
        if sentence or self.ui.messageLabel.text == self._preview_said:
            self.runs.say(sentence)
        self._preview_said = sentence

    def _show_result(self, node: slicer.vtkMRMLVolumeNode) -> None:
        """Put a fused volume before the anatomical one, in all views."""
        look, self._look = self._look, ""
        if look:
            self.preview.rest(look)
        sources = sources_of(node)
        if self.compare.is_on:
            self.compare.enter(*sources, node)
        else:
            slicer.util.setSliceViewerLayers(
                background=sources[0], foreground=node, foregroundOpacity=1.0
            )

    def _compare(self, is_on: bool) -> None:
        chosen = self._parameters
        if is_on and chosen is not None:
            self.compare.enter(chosen.anatomical, chosen.partner, self._fused())
            self.preview.view = VIEWS[-1]
        else:
            self.preview.view = ""
            for button in (self.ui.flickerButton, self.ui.checkerboardButton):
                button.checked = False
            self.compare.leave()
        self._settle()

    def _flicker(self, is_on: bool) -> None:
        if is_on:
            self._flicker_timer.start()
        else:
            self._flicker_timer.stop()
            self.compare.set_blend(self._parameters.blend if self._parameters else 1.0)

    def _show_checkerboard(self, is_on: bool) -> None:
        source = self._parameters.anatomical if is_on and self._parameters else None
        self.compare.set_checkerboard(source, self._fused() if source else None)

    # ---- events

    def _on_change(self, *_unused: object) -> None:
        if self.compare.is_on and not self.ui.flickerButton.checked:
            self.compare.set_blend(self._parameters.blend)
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
        if chosen is not None:
            self.watch.follow([chosen.anatomical, chosen.partner, chosen.third, chosen.fourth])
            self.refresh()
            self._update_preview()

    def _on_scene_closing(self, *_unused: object) -> None:
        self.setParameterNode(None)
        self.watch.follow([])
        self.preview.stop()
        self.compare.forget()
        self.logic.close_scene()
        self.runs.forget()

    def _on_scene_closed(self, *_unused: object) -> None:
        if getattr(self.parent, "isEntered", True):
            self.initializeParameterNode()


def _timer(interval_ms: int, act: Callable[[], None], is_single: bool = False) -> qt.QTimer:
    timer = qt.QTimer()
    timer.setInterval(interval_ms)
    timer.setSingleShot(is_single)
    timer.timeout.connect(act)
    return timer
