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

from .logic import MACTFusionLogic
from .machine import MachineControls
from .nodes.guess import guess_pair
from .nodes.obstacles import reason_not_to_run
from .nodes.pairs import find_pairs, loaded_volumes
from .nodes.result import fused_from, sources_of
from .nodes.samples import load_samples
from .nodes.save import suggested_name
from .nodes.volumes import VolumeError, partners_in
from .parameters import chosen_options, chosen_partner
from .runs import Runs
from .summary import device_note, plan
from .views.compare import FUSED_VIEW, CompareViews
from .views.preview import LivePreview, look_of
from .views.space import RenderedVolume
from .views.watch import Watch

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
        self.space = RenderedVolume()
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
        self.space.hide()
        self.logic.stop()

    def enter(self) -> None:
        """The module is shown."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Another module is shown: a run goes on, preview and flicker rest."""
        self.ui.flickerButton.checked = False  # its button is not there to end it
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
        grid = chosen.grid.value
        reason = reason_not_to_run(
            chosen.anatomical, partner, chosen.output, chosen.task.value, grid
        )
        is_running = self.logic.is_running
        display = chosen.display.value
        self.ui.statusLabel.text = reason or plan(chosen.anatomical, partner, display, grid)
        self.ui.deviceLabel.text = device_note(chosen.device, self.logic.session.devices)
        self.ui.deviceLabel.setVisible(bool(self.ui.deviceLabel.text))
        self.ui.applyButton.enabled = not reason and not is_running
        running = _("A fusion is under way.") if is_running else ""
        self.ui.applyButton.toolTip = running or reason or _("Fuse the whole volume.")
        self.ui.batchButton.enabled = self.ui.pairList.count > 0 and not is_running
        self.ui.swapButton.enabled = bool(chosen.anatomical or chosen.partner)
        fused = self._fused()
        for button in (self.ui.checkerboardButton, self.ui.flickerButton, self.ui.spaceButton):
            button.enabled = fused is not None or button.checked
        self.ui.saveButton.enabled = self._fused_to_save() is not None
        self.ui.compareButton.enabled = not reason or self.compare.is_on
        self.machine.show()

    def _fused(self) -> slicer.vtkMRMLVolumeNode | None:
        """Return the fused volume of the chosen ones; that of others must not be beside them."""
        chosen = self._parameters
        return None if chosen is None else fused_from(chosen.anatomical, chosen_partner(chosen))

    def _fused_to_save(self) -> slicer.vtkMRMLVolumeNode | None:
        """Return what Compare and 3-D show; the last run may be of another patient."""
        chosen, last = self._fused(), self.runs.fused
        if chosen is not None or last is None:
            return chosen
        return last if slicer.mrmlScene.IsNodePresent(last) else None

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
        ui.spaceButton.toggled.connect(self._show_in_space)

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
            names = [node.GetName() for node in (anatomical, *partners_in(partner))]
            item = qt.QListWidgetItem(" + ".join(names))
            # All partners in one image are another wish than each by itself.
            is_pair = len(names) == 2
            item.setCheckState(qt.Qt.Checked if is_pair else qt.Qt.Unchecked)
            self.ui.pairList.addItem(item)
        if not self._pairs:
            self.runs.say(_("There is no MR with a CT, PET or SPECT that overlaps it."))
        self.refresh()

    def _apply_to_pairs(self, *_unused: object) -> None:
        jobs = []
        for row, (anatomical, partner) in enumerate(self._pairs):
            nodes = (anatomical, *partners_in(partner))
            is_there = all(slicer.mrmlScene.IsNodePresent(node) for node in nodes)
            if is_there and self.ui.pairList.item(row).checkState() == qt.Qt.Checked:
                # Task, windows and colours are those of the pair, not of the volumes chosen above.
                chosen = {**chosen_options(self._parameters), "task": "auto"}
                display = self._parameters.display.value
                options = self.logic.options_for(anatomical, partner, display, chosen)
                jobs.append((anatomical, partner, None, options))
        if not jobs:
            self.runs.say(_("No volumes of the list are checked and still loaded."))
        self.runs.begin(jobs)

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
        anatomical, partners = sources_of(node)
        is_chosen = node is self._fused()  # one of a batch may be of others
        if not self.compare.is_on:
            slicer.util.setSliceViewerLayers(
                background=anatomical, foreground=node, foregroundOpacity=1.0
            )
        elif is_chosen:
            self._end_tricks()
            self.compare.enter(anatomical, partners, node)
        if self.space.is_on and is_chosen:
            self.space.show(node)

    def _compare(self, is_on: bool) -> None:
        chosen = self._parameters
        self._end_tricks()
        if is_on and chosen is not None:
            self.ui.spaceButton.checked = False  # its layout is another one
            self.compare.set_blend(chosen.blend)
            self.compare.enter(chosen.anatomical, chosen_partner(chosen), self._fused())
            self.preview.view = FUSED_VIEW
        else:
            self.preview.view = ""
            self.compare.leave()
        self._settle()

    def _follow_choice(self) -> None:
        """Show other volumes side by side when others are chosen, and none of the former in 3-D."""
        if self.space.is_on and self.space.volume is not self._fused():
            self.ui.spaceButton.checked = False
        chosen = self._parameters
        if not self.compare.is_on or not (chosen.anatomical and chosen.partner):
            return
        shown = chosen.anatomical, chosen_partner(chosen), self._fused()
        if not self.compare.shows(*shown):
            self._end_tricks()
            self.compare.enter(*shown)

    def _end_tricks(self) -> None:
        for button in (self.ui.flickerButton, self.ui.checkerboardButton):
            button.checked = False

    def _flicker(self, is_on: bool) -> None:
        if is_on:
            self._flicker_timer.start()
        else:
            self._flicker_timer.stop()
            self.compare.set_blend(self._parameters.blend if self._parameters else 1.0)

    def _show_checkerboard(self, is_on: bool) -> None:
        source = self._parameters.anatomical if is_on and self._parameters else None
        self.compare.set_checkerboard(source, self._fused() if source else None)

    def _show_in_space(self, is_on: bool) -> None:
        fused = self._fused() if is_on else None
        if fused is None:
            self.space.hide()
            return
        self.ui.compareButton.checked = False  # its layout has no 3-D view
        obstacle = self.space.show(fused)
        if obstacle:
            self.runs.say(obstacle, is_error=True)
            self.ui.spaceButton.checked = False

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
            self._follow_choice()
            self._update_preview()

    def _on_scene_closing(self, *_unused: object) -> None:
        self.setParameterNode(None)
        self.watch.follow([])
        self.preview.stop()
        self.compare.forget()
        self.space.forget()
        for button in (self.ui.compareButton, self.ui.spaceButton):
            button.checked = False
        self._pairs = []
        self.ui.pairList.clear()
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
