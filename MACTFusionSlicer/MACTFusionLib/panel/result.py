"""Beside the result: windows of the sources, what was lost and where, and what it was made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..nodes.result import ATTRIBUTE, sources_of
from ..parameters import Display
from .allow import allow
from .verdict import colour_as_warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..looking import Looking
    from ..parameters import MACTFusionParameters


class ResultControls:
    """Shows what belongs to the fused volume of the chosen ones.

    Args:
        ui: widgets of the panel.
        looking: knows the fused volume.
        parameters: returns the choices of the scene, or None.
    """

    def __init__(
        self, ui: Any, looking: Looking, parameters: Callable[[], MACTFusionParameters | None]
    ) -> None:
        self._ui = ui
        self._looking = looking
        self._parameters = parameters
        ui.blendSlider.valueChanged.connect(self.blend)

    def show(self) -> None:
        """Show windows and provenance of what is chosen."""
        chosen = self._parameters()
        named = [
            ("anatomical", chosen.anatomical),
            ("partner", chosen.partner),
            ("third", chosen.third),
            ("fourth", chosen.fourth),
        ]
        shown = [self._show_window(role, node) for role, node in named]
        label = self._ui.windowsLabel
        label.text = _("Window and level of the sources: they are what is fused.")
        if chosen.display is Display.FIXED:
            label.text = _("Window and level in the views; the result has fixed ones.")
        label.setVisible(any(shown))
        origin = self._ui.originLabel
        is_outdated = self._looking.is_outdated
        origin.text = origin_text(self._looking.fused, is_outdated)
        colour_as_warning(origin, is_outdated)
        origin.setVisible(bool(origin.text))
        can_blend = self._looking.fused is not None or self._looking.compare.is_on
        nothing = _("Nothing was fused of these volumes yet: press Apply.")
        allow(self._ui.blendSlider, "" if can_blend else nothing)

    def blend(self, *_unused: object) -> None:
        """Show the fused volume over the anatomical one as strongly as the slider says.

        That is in every view that has it in front; the views side by side have their own.
        """
        chosen, fused = self._parameters(), self._looking.fused
        if chosen is None or fused is None or self._looking.compare.is_on:
            return
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            if composite.GetForegroundVolumeID() == fused.GetID():
                composite.SetForegroundOpacity(self._ui.blendSlider.value)

    def forget(self) -> None:
        """Let go of the nodes of a scene that is closed."""
        for role in ("anatomical", "partner", "third", "fourth"):
            self._show_window(role, None)

    def _show_window(self, role: str, node: Any) -> bool:
        """Let a widget set the window of a volume, if it has one: a colour volume has none."""
        widget = getattr(self._ui, f"{role}WindowWidget")
        has_window = node is not None and not node.IsA("vtkMRMLVectorVolumeNode")
        wanted = node if has_window else None
        if widget.mrmlVolumeNode() is not wanted:
            widget.setMRMLVolumeNode(wanted)
        for each in (widget, getattr(self._ui, f"{role}WindowWidgetLabel")):
            each.setVisible(has_window)
        return has_window


def origin_text(fused: slicer.vtkMRMLVolumeNode | None, is_outdated: bool = False) -> str:
    """Say what a fused volume was made of and by what, "" of none.

    Args:
        fused: a node with the attributes of a run.
        is_outdated: see :func:`MACTFusionLib.nodes.made_of.is_outdated`.
    """
    if fused is None:
        return ""

    def kept(name: str) -> str:
        return str(fused.GetAttribute(ATTRIBUTE + name) or "")

    anatomical, partners = sources_of(fused)
    names = " + ".join(node.GetName() for node in (anatomical, *partners) if node is not None)
    template = _("{result}: made of {names} by {model}, weights {digest}, mactfusion {version}.")
    said = template.format(
        result=fused.GetName(),
        names=names,
        model=kept("Model"),
        digest=kept("WeightsSHA256")[:8],
        version=_versions(kept("Versions")).get("mactfusion", "?"),
    )
    if is_outdated:
        newer = _("⚠ Its sources were moved or edited since: press Apply to fuse them as they are.")
        said = f"{newer}\n{said}"
    return said


def _versions(text: str) -> dict:
    try:
        versions = json.loads(text or "{}")
    except ValueError:  # of another program
        return {}
    return versions if isinstance(versions, dict) else {}
