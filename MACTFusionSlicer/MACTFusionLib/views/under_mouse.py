"""What the sources say under the mouse, in one line, and what is known of the fused voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ..nodes.guess import kind_of, units_of
from ..nodes.shares import percent
from ..nodes.volumes import VolumeError, geometry_of, voxels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..logic import MACTFusionLogic
    from ..worker.conversation import Conversation

_DIGITS = 6
_SHOWN_UNITS = {"BQML": "Bq/ml"}
_ALIKE = 1e-4  # values went to the worker as numbers of less precision


class UnderMouse(VTKObservationMixin):
    """Shows the values of the chosen volumes, and adds what the worker knows of their fusion.

    One question is asked at a time, the newest next.

    Args:
        logic: has the worker, which is never started for this.
        show: is given a text, "" where there is nothing to say.
        volumes: returns the chosen volumes, the anatomical one first.
    """

    def __init__(
        self,
        logic: MACTFusionLogic,
        show: Callable[[str], None],
        volumes: Callable[[], Sequence[slicer.vtkMRMLVolumeNode]],
    ) -> None:
        super().__init__()
        self._logic = logic
        self._show = show
        self._volumes = volumes
        self._crosshair = None
        self._sources: list[tuple] = []  # node, role, units
        self._wanted: list | None = None
        self._under_way: Conversation | None = None

    def follow(self) -> None:
        """Watch the cross-hair of the scene, over the volumes that are chosen now."""
        nodes = list(self._volumes())
        if nodes != [node for node, _role, _units in self._sources]:
            names = _roles(len(nodes))
            self._sources = [(node, role, _units_of(node)) for node, role in zip(nodes, names)]  # noqa: B905  Python 3.9
            self._show("")
        node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if node is self._crosshair:
            return
        sources = self._sources
        self.stop()
        self._crosshair, self._sources = node, sources
        if node is not None:
            self.addObserver(node, node.CursorPositionModifiedEvent, self._moved)

    def stop(self) -> None:
        """Watch nothing any more."""
        self.removeObservers()
        if self._under_way is not None:
            self._under_way.abandon()
        self._crosshair, self._wanted, self._under_way = None, None, None
        self._sources = []
        self._show("")

    def _moved(self, *_unused: Any) -> None:
        position = [0.0, 0.0, 0.0]
        if not self._crosshair.GetCursorPositionRAS(position):
            self._wanted = None
            self._show("")
            return
        self._tell(position)
        self._wanted = position
        self._next()

    def _next(self) -> None:
        is_free = self._under_way is None or self._under_way.is_over
        if self._wanted is None or not is_free or not self._logic.session.is_alive:
            return
        if self._logic.session.spoken_of != [node.GetID() for node, _role, _units in self._sources]:
            return  # the worker knows its last fusion, which is of other volumes
        position, self._wanted = self._wanted, None

        def ended(found: dict | None, error: Exception | None) -> None:
            self._under_way = None
            if self._wanted is None and error is None and found is not None:
                self._tell(position, found)
            self._next()

        conversation = self._logic.start_probe(position, ended)
        if not conversation.is_over:
            self._under_way = conversation

    def _tell(self, position: list, found: dict | None = None) -> None:
        """Show the values of the chosen volumes, or more where the worker speaks of the same."""
        own = values_at(self._sources, position)
        if found is not None and _are_of_one(own, found):
            own = found
        is_inside = any(not source["is_outside"] for source in own["sources"])
        self._show(probe_text(own) if is_inside else "")


def values_at(sources: Sequence[tuple], position: Sequence[float]) -> dict:
    """Return what the voxels of nodes nearest to a point say, in the worker's words.

    Args:
        sources: node, role and units each.
        position: RAS millimetres in the world.
    """
    found = []
    for node, role, units in sources:
        value, is_outside = _value_at(node, position)
        known = {"role": role, "units": units, "value": value, "is_outside": is_outside}
        found.append({**known, "share": None, "decoded": None})
    return {"sources": found, "flags": []}


def probe_text(found: dict) -> str:
    """Return one line of the sources' values and shares, and one of each flag.

    Args:
        found: what the worker says of a voxel, or :func:`values_at`.
    """
    sources = " · ".join(_source_text(source) for source in found["sources"])
    return "\n".join([sources, *(f"⚠ {sentence}" for sentence in found["flags"])])


def _value_at(node: slicer.vtkMRMLVolumeNode, position: Sequence[float]) -> tuple:
    """Return a value, None where there is none, and whether the point is outside."""
    if not slicer.mrmlScene.IsNodePresent(node):
        return None, True
    try:
        geometry, voxels = geometry_of(node), voxels_of(node)
    except VolumeError:
        return None, True
    index = np.linalg.solve(geometry.affine, [*position, 1.0])[:3]
    nearest = np.floor(index.round(_DIGITS) + 0.5).astype(int)  # as the library does
    if np.any(nearest < 0) or np.any(nearest >= geometry.shape):
        return None, True
    value = voxels[tuple(nearest)]
    if not np.all(np.isfinite(value)):
        return None, False
    if voxels.ndim == 3:
        return float(value), False
    full_scale = np.iinfo(value.dtype).max if value.dtype.kind in "iu" else 1
    return [float(part) / full_scale for part in value], False


def _are_of_one(own: dict, found: dict) -> bool:
    """Whether the worker speaks of the chosen volumes: it knows its last fusion, and no nodes.

    A partner that was registered lies elsewhere for it; so the anatomical volume tells.
    """
    if not own["sources"] or len(own["sources"]) != len(found["sources"]):
        return False
    ours, theirs = (each["sources"][0] for each in (own, found))
    if ours["is_outside"] or theirs["is_outside"] or None in (ours["value"], theirs["value"]):
        return bool(ours["is_outside"] == theirs["is_outside"])
    return bool(np.allclose(ours["value"], theirs["value"], rtol=_ALIKE, atol=_ALIKE))


def _roles(count: int) -> list:
    if count == 2:
        return ["anatomical", "partner"]
    return ["anatomical", *(f"partner {number}" for number in range(1, count))]


def _units_of(node: slicer.vtkMRMLVolumeNode) -> str:
    units = units_of(node)
    return _SHOWN_UNITS.get(units, units) or ("HU" if kind_of(node) == "CT" else "")


def _source_text(source: dict) -> str:
    number = source["role"].rpartition(" ")[2]
    name = _("Anatomical") if source["role"] == "anatomical" else _("Partner")
    if number.isdigit():
        name = f"{name} {number}"
    text = f"{name} {_value_text(source)}"
    if source["share"] is not None:
        text += f" ({percent(source['share'])})"
    if source.get("decoded"):
        _value, low, high = source["decoded"]
        text += _range_text(low, high)
    return text


def _range_text(low: float | None, high: float | None) -> str:
    """Say from where to where a colour says that a value is; None where there is no bound."""
    if low is None and high is None:
        return ""
    if high is None:
        return _(" [colour: {low} or more]").format(low=f"{low:.3g}")
    if low is None:
        return _(" [colour: {high} or less]").format(high=f"{high:.3g}")
    return _(" [colour: {low} to {high}]").format(low=f"{low:.3g}", high=f"{high:.3g}")


def _value_text(source: dict) -> str:
    if source["is_outside"]:
        return _("outside")
    value = source["value"]
    if value is None:
        return "–"
    if isinstance(value, list):
        return "RGB " + "/".join(str(round(255 * part)) for part in value)
    return f"{value:.4g} {source['units']}".strip()
