"""What the sources of the last fusion say under the mouse, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..logic import MACTFusionLogic
    from ..worker.conversation import Conversation


class UnderMouse(VTKObservationMixin):
    """Asks the worker about the point under the mouse; one question at a time, the newest next.

    Args:
        logic: has the worker, which is never started for this.
        show: is given a text, "" where there is nothing to say.
    """

    def __init__(self, logic: MACTFusionLogic, show: Callable[[str], None]) -> None:
        super().__init__()
        self._logic = logic
        self._show = show
        self._crosshair = None
        self._wanted: list | None = None
        self._under_way: Conversation | None = None

    def follow(self) -> None:
        """Watch the cross-hair of the scene."""
        node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if node is self._crosshair:
            return
        self.stop()
        self._crosshair = node
        if node is not None:
            self.addObserver(node, node.CursorPositionModifiedEvent, self._moved)

    def stop(self) -> None:
        """Watch nothing any more."""
        self.removeObservers()
        if self._under_way is not None:
            self._under_way.abandon()
        self._crosshair, self._wanted, self._under_way = None, None, None
        self._show("")

    def _moved(self, *_unused: Any) -> None:
        position = [0.0, 0.0, 0.0]
        if self._crosshair.GetCursorPositionRAS(position) and self._logic.session.is_alive:
            self._wanted = position
            self._next()
        else:
            self._show("")

    def _next(self) -> None:
        is_free = self._under_way is None or self._under_way.is_over
        if self._wanted is None or not is_free or not self._logic.session.is_alive:
            return
        position, self._wanted = self._wanted, None

        def ended(found: dict | None, error: Exception | None) -> None:
            self._under_way = None
            # Before anything was fused the worker has nothing to say, and nor has the panel.
            self._show("" if error is not None or found is None else probe_text(found))
            self._next()

        conversation = self._logic.start_probe(position, ended)
        if not conversation.is_over:
            self._under_way = conversation


def probe_text(found: dict) -> str:
    """Return one line of the sources' values and shares, and one of each flag.

    Args:
        found: what the worker says of a voxel.
    """
    sources = " · ".join(_source_text(source) for source in found["sources"])
    return "\n".join([sources, *(f"⚠ {sentence}" for sentence in found["flags"])])


def _source_text(source: dict) -> str:
    number = source["role"].rpartition(" ")[2]
    name = _("Anatomical") if source["role"] == "anatomical" else _("Partner")
    if number.isdigit():
        name = f"{name} {number}"
    text = f"{name} {_value_text(source)}"
    if source["share"] is not None:
        text += f" ({round(100 * source['share'])} %)"
    return text


def _value_text(source: dict) -> str:
    if source["is_outside"]:
        return _("outside")
    value = source["value"]
    if value is None:
        return "–"
    if isinstance(value, list):
        return "RGB " + "/".join(str(round(255 * part)) for part in value)
    return f"{value:.4g} {source['units']}".strip()
