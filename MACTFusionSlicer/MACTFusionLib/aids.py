"""What helps the eye: aligned views, the legend in the view, and the place of what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .nodes.legend import legend_text, legends_of
from .nodes.lost import lost_line, lost_places, place_line
from .nodes.volumes import VolumeError
from .panel.verdict import colour_as_warning
from .views.align import AlignedViews
from .views.jump import jump_to
from .views.legend_in_view import LegendInView

if TYPE_CHECKING:
    from collections.abc import Callable

    import slicer

    from .runs import Runs
    from .views.preview import LivePreview


class Aids:
    """Joins buttons and lines of the panel to the views.

    Args:
        ui: widgets of the panel.
        runs: says sentences.
        parameters: returns the choices of the scene, or None.
        preview: the slice that is looked at, fused at once.
        changed: called when another view may show the preview.
    """

    def __init__(
        self,
        ui: Any,
        runs: Runs,
        parameters: Callable[[], Any],
        preview: LivePreview,
        changed: Callable[[], None],
    ) -> None:
        self._ui = ui
        self._runs = runs
        self._parameters = parameters
        self._preview = preview
        self._changed = changed
        self._fused: slicer.vtkMRMLVolumeNode | None = None
        self._next_place = 0
        self._is_entered = False
        self._aligned = AlignedViews()
        self._legend = LegendInView()
        ui.alignButton.clicked.connect(self._align)
        ui.legendCheckBox.toggled.connect(self._draw_legend)
        ui.lostButton.clicked.connect(self._show_place)

    def tell(self, fused: slicer.vtkMRMLVolumeNode | None, is_outdated: bool) -> None:
        """Show what is known of what is looked at, and the buttons that have something to do.

        Args:
            fused: the fused volume of the chosen ones, or None.
            is_outdated: whether its sources were moved or edited since.
        """
        ui = self._ui
        if fused is not self._fused:
            self._fused, self._next_place = fused, 0
        ui.legendLabel.text = legend_text(self._looked_at)
        ui.legendLabel.setVisible(bool(ui.legendLabel.text))
        ui.legendCheckBox.setVisible(bool(ui.legendLabel.text))
        self._draw_legend()
        ui.lostLabel.text, is_warning = lost_line(fused, is_outdated)
        colour_as_warning(ui.lostLabel, is_warning)
        ui.lostLabel.setVisible(bool(ui.lostLabel.text))
        ui.lostButton.setVisible(bool(lost_places(fused)))
        self._show_align_button()

    def enter(self) -> None:
        """The module is shown."""
        self._is_entered = True

    def rest(self) -> None:
        """Another module is shown: its views have no legend of ours."""
        self._is_entered = False
        self._legend.hide()

    def forget(self) -> None:
        """Let go of the nodes of a scene that is closed."""
        self._legend.hide()
        self._aligned.forget()
        self._fused = None

    def stop(self) -> None:
        """Leave the views as they were found."""
        self.rest()
        self._aligned.give_back()

    @property
    def _looked_at(self) -> slicer.vtkMRMLVolumeNode | None:
        return self._fused if self._preview.node is None else self._preview.node

    def _draw_legend(self, *_unused: object) -> None:
        is_wanted = self._is_entered and self._ui.legendCheckBox.checked
        legends = legends_of(self._looked_at) if is_wanted else []
        nodes = [node for node in (self._fused, self._preview.node) if node is not None]
        self._legend.show(legends, nodes)

    def _show_align_button(self) -> None:
        button, can_turn_back = self._ui.alignButton, self._can_turn_back
        button.text = _("Turn views back") if can_turn_back else _("Align views")
        button.setVisible(can_turn_back or self._preview.needs_turn)

    @property
    def _can_turn_back(self) -> bool:
        return self._aligned.is_on and not self._preview.needs_turn

    def _align(self, *_unused: object) -> None:
        chosen = self._parameters()
        if self._can_turn_back:
            self._aligned.give_back()
        elif chosen is not None and chosen.anatomical is not None:
            try:
                self._aligned.align(chosen.anatomical, chosen.axis.value)
            except VolumeError as error:
                self._runs.say(str(error), is_error=True)
        self._changed()

    def _show_place(self, *_unused: object) -> None:
        places = lost_places(self._fused)
        if not places:
            return
        number = self._next_place % len(places)
        self._next_place = number + 1
        jump_to(places[number]["position"])
        self._runs.say(place_line(places[number], number + 1, len(places)))
