"""What Apply will do, how long that takes and where, or why it cannot be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ..nodes.grid import result_geometry
from ..nodes.obstacles import reason_not_to_run
from ..nodes.volumes import geometry_of, partners_in
from ..parameters import chosen_options, chosen_partner
from ..summary import device_note, device_used, grid_sentence
from .allow import allow
from .estimate import expected_seconds, kind_of_run
from .progress import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..logic import MACTFusionLogic
    from ..parameters import MACTFusionParameters
    from .libraries import Libraries


class Status:
    """The frame above Apply, and what of the run's buttons can be used.

    Args:
        ui: widgets of the panel.
        logic: knows the worker, and whether something runs.
        libraries: whether a worker can be started.
        parameters: returns the choices of the scene, or None.
    """

    def __init__(
        self,
        ui: Any,
        logic: MACTFusionLogic,
        libraries: Libraries,
        parameters: Callable[[], MACTFusionParameters | None],
    ) -> None:
        self._ui = ui
        self._logic = logic
        self._libraries = libraries
        self._parameters = parameters

    def show(self) -> str:
        """Show it, and return why the choices cannot be fused, "" where they can."""
        ui, chosen = self._ui, self._parameters()
        partner = chosen_partner(chosen)
        reason = reason_not_to_run(
            chosen.anatomical,
            partner,
            chosen.output,
            chosen.task.value,
            chosen.grid.value,
            chosen.register.value,
        )
        how = chosen.display.value, chosen.grid.value
        ui.gridLabel.text = reason or grid_sentence(chosen.anatomical, partner, *how)
        devices = self._logic.session.devices
        ui.deviceLabel.text = device_note(chosen.device, devices)
        ui.timeLabel.text = "" if reason else self._time(chosen)
        for label in (ui.deviceLabel, ui.timeLabel):
            label.setVisible(bool(label.text))
        running = _("A fusion is under way.") if self._logic.is_running else ""
        allow(ui.applyButton, running or reason)
        none = "" if ui.pairList.count > 0 else _("Press Find pairs first.")
        allow(ui.batchButton, running or none)
        self._show_what_is_missing(chosen)
        return reason

    def _time(self, chosen: MACTFusionParameters) -> str:
        """Say how long a run will take, by the last of its kind; "" where there was none."""
        device = device_used(chosen.device, self._logic.session.devices)
        count = len(partners_in(chosen_partner(chosen)))
        kind = kind_of_run(device, chosen_options(chosen), count)
        shape = result_geometry(geometry_of(chosen.anatomical), chosen.grid.value).shape
        seconds = expected_seconds(kind, shape[0] * shape[1] * shape[2])
        if seconds is None:
            return ""
        return _("Takes about {time}.").format(time=duration(max(1.0, seconds)))

    def _show_what_is_missing(self, chosen: MACTFusionParameters) -> None:
        """Say at the live preview why there is none: nothing is installed without a question."""
        missing = self._libraries.what_is_missing() if chosen.livePreview else ""
        label = self._ui.previewLabel
        label.text = _("No preview: {reason}").format(reason=missing) if missing else ""
        label.setVisible(bool(missing))
