"""Looking at sources and result: live preview, Compare, Flicker, Checkerboard and 3-D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .aids import Aids
from .nodes.made_of import is_outdated
from .nodes.result import fused_from, sources_of
from .panel.allow import allow
from .parameters import chosen_partner
from .timer import timer
from .views.compare import CompareViews
from .views.layout import FUSED_VIEW, register_layouts
from .views.preview import LivePreview
from .views.shown import layout_manager, show_in_front
from .views.space import RenderedVolume

if TYPE_CHECKING:
    from collections.abc import Callable

    import slicer

    from .logic import MACTFusionLogic
    from .runs import Runs

_FLICKER_MS = 500


class Looking:
    """Joins the buttons to the views, and keeps the views with what is chosen.

    Args:
        ui: widgets of the panel.
        logic: fuses the slices of the preview.
        runs: says sentences, and knows whether a worker can be started.
        parameters: returns the choices of the scene, or None.
        lets_preview: whether the places of the partners are known as far as a preview needs them.
        changed: called when another view may show the preview.

    Attributes:
        preview: the slice that is looked at, fused at once.
        compare: the views side by side.
        space: the fused volume in 3-D.
        is_entered: whether the module is shown.
    """

    def __init__(
        self,
        ui: Any,
        logic: MACTFusionLogic,
        runs: Runs,
        parameters: Callable[[], Any],
        lets_preview: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._ui = ui
        self._logic = logic
        self._runs = runs
        self._parameters = parameters
        self._lets_preview = lets_preview
        self._changed = changed
        self._look = ""
        self._preview_said = ""
        self.is_entered = False
        self.preview = LivePreview(logic, self._say_preview)
        self.compare = CompareViews()
        self.space = RenderedVolume()
        self._aids = Aids(ui, runs, parameters, self.preview, changed)
        self._flicker_timer = timer(_FLICKER_MS, self.compare.flicker)
        self._fit_timer = timer(0, self.compare.fit, is_single=True)
        register_layouts()
        self._is_listening = layout_manager() is not None
        if self._is_listening:
            layout_manager().layoutChanged.connect(self._layout_changed)
        ui.compareButton.toggled.connect(self._compare)
        ui.flickerButton.toggled.connect(self._flicker)
        ui.checkerboardButton.toggled.connect(self._show_checkerboard)
        ui.spaceButton.toggled.connect(self._show_in_space)

    @property
    def fused(self) -> slicer.vtkMRMLVolumeNode | None:
        """The fused volume of the chosen ones; that of others must not be beside them."""
        chosen = self._parameters()
        return None if chosen is None else fused_from(chosen.anatomical, chosen_partner(chosen))

    @property
    def is_outdated(self) -> bool:
        """Whether the sources of the fused volume were moved or edited since it was made."""
        fused = self.fused
        if fused is None:
            return False
        anatomical, partners = sources_of(fused)
        return is_outdated(fused, [anatomical, *partners])

    @property
    def is_flickering(self) -> bool:
        """Whether the fused volume comes and goes."""
        return self._flicker_timer.isActive()

    def enable(self, can_fuse: bool) -> None:
        """Enable the buttons that have something to show, or to end.

        Args:
            can_fuse: whether the chosen volumes can be fused.
        """
        ui = self._ui
        has_fused = self.fused is not None
        nothing = _("Nothing was fused of these volumes yet: press Apply.")
        for button in (ui.checkerboardButton, ui.flickerButton, ui.spaceButton):
            allow(button, "" if has_fused or button.checked else nothing)
        cannot = _("Choose volumes that can be fused: the frame above Apply says what is missing.")
        allow(ui.compareButton, "" if can_fuse or self.compare.is_on else cannot)

    def expect(self, look: str) -> None:
        """Take down how the volume will look that is being fused: it needs no preview."""
        self._look = look

    def show(self, node: slicer.vtkMRMLVolumeNode) -> None:
        """Put a fused volume before the anatomical one, in all views."""
        look, self._look = self._look, ""
        if look:
            self.preview.rest(look)
        anatomical, partners = sources_of(node)
        is_chosen = node is self.fused  # one of a batch may be of others
        if not self.compare.is_on:
            show_in_front(anatomical, node)
        elif is_chosen:
            self._end_tricks()
            self._enter_compare(anatomical, partners, node)
        if self.space.is_on and is_chosen:
            self.space.show(node)

    def enter(self) -> None:
        """The module is shown; nothing is fused before that."""
        self.is_entered = True
        self._aids.enter()

    def follow(self) -> None:
        """Show what is chosen now: side by side, in 3-D, and in the preview."""
        if not self.is_entered:
            return
        self._adopt()
        self._follow_choice()
        self._update_preview()
        self.tell()

    def tell(self) -> None:
        """Show the legend of what is looked at, and whether the fused volume lost anything."""
        self._aids.tell(self.fused, self.is_outdated)

    def blend(self) -> None:
        """Show the fused volume over the anatomical one as strongly as is chosen."""
        if self.compare.is_on and not self.is_flickering:
            self.compare.set_blend(self._parameters().blend)

    def rest(self) -> None:
        """Let preview and flicker rest while another module is shown."""
        self.is_entered = False
        self._ui.flickerButton.checked = False  # its button is not there to end it
        self.preview.stop()
        self._aids.rest()

    def forget(self) -> None:
        """Let go of the nodes of a scene that is closed."""
        self.preview.stop()
        self._aids.forget()
        self.compare.forget()
        self.space.forget()
        for button in (self._ui.compareButton, self._ui.spaceButton):
            button.checked = False

    def stop(self) -> None:
        """Leave no timer, no node and no layout behind."""
        manager = layout_manager()  # at the end of the application it is gone before
        if self._is_listening and manager is not None:
            manager.layoutChanged.disconnect(self._layout_changed)
        self._is_listening = False
        self._flicker_timer.stop()
        self._fit_timer.stop()
        self.preview.stop()
        self._aids.stop()
        self.compare.leave()
        self.space.hide()

    def _update_preview(self) -> None:
        chosen = self._parameters()
        if self._logic.is_running:
            return
        if not chosen.livePreview or not self._runs.is_ready:
            self.preview.stop()
            return
        if self.compare.is_on and self.fused is not None:
            self.preview.stop()  # the whole volume is there to look at
        elif not self._lets_preview():
            self.preview.stop()
        elif chosen.anatomical is not None and chosen.partner is not None:
            options = self._logic.options_of(chosen)
            self.preview.update(chosen.anatomical, chosen_partner(chosen), options)

    def _say_preview(self, sentence: str) -> None:
        if sentence or self._ui.messageLabel.text == self._preview_said:
            self._runs.say(sentence)
        self._preview_said = sentence
        self.tell()

    def _compare(self, is_on: bool) -> None:
        chosen = self._parameters()
        self._end_tricks()
        if is_on and chosen is not None:
            self._ui.spaceButton.checked = False  # its layout is another one
            self.compare.set_blend(chosen.blend)
            self._enter_compare(chosen.anatomical, chosen_partner(chosen), self.fused)
            self.preview.view = FUSED_VIEW
        else:
            self.preview.view = ""
            self.compare.leave()
        self._changed()

    def _follow_choice(self) -> None:
        """Show other volumes side by side when others are chosen, and none of the former in 3-D."""
        if self.space.is_on and self.space.volume is not self.fused:
            self._ui.spaceButton.checked = False
        chosen = self._parameters()
        if not self.compare.is_on or not (chosen.anatomical and chosen.partner):
            return
        shown = chosen.anatomical, chosen_partner(chosen), self.fused
        if not self.compare.shows(*shown):
            self._end_tricks()
            self._enter_compare(*shown)

    def _enter_compare(self, anatomical: Any, partner: Any, fused: Any) -> None:
        chosen = self._parameters()
        axis = "auto" if chosen is None else chosen.axis.value
        if self.compare.enter(anatomical, partner, fused, axis):
            self._fit_timer.start()

    def _adopt(self) -> None:
        """Take over what a scene was saved with, so that its button is the way back."""
        chosen = self._parameters()
        if not self.compare.is_on and self.compare.has_layout:
            self._ui.compareButton.checked = bool(chosen.anatomical and chosen.partner)
        elif self.space.was_saved and self.fused is not None:
            self._ui.spaceButton.checked = True

    def _layout_changed(self, *_unused: object) -> None:
        """Give back what belongs to a layout that the user left by other means."""
        if self.compare.is_on and not self.compare.has_layout:
            self._ui.compareButton.checked = False
        self._changed()

    def _end_tricks(self) -> None:
        for button in (self._ui.flickerButton, self._ui.checkerboardButton):
            button.checked = False

    def _flicker(self, is_on: bool) -> None:
        if is_on:
            self._flicker_timer.start()
        else:
            self._flicker_timer.stop()
            chosen = self._parameters()
            self.compare.set_blend(chosen.blend if chosen else 1.0)

    def _show_checkerboard(self, is_on: bool) -> None:
        chosen = self._parameters()
        source = chosen.anatomical if is_on and chosen else None
        self.compare.set_checkerboard(source, self.fused if source else None)

    def _show_in_space(self, is_on: bool) -> None:
        fused = self.fused if is_on else None
        if fused is None:
            self.space.hide()
            return
        self._ui.compareButton.checked = False  # its layout has no 3-D view
        obstacle = self.space.show(fused)
        if obstacle:
            self._runs.say(obstacle, is_error=True)
            self._ui.spaceButton.checked = False
