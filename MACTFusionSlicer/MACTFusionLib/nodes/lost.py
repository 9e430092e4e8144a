"""What a fused node lost of its sources, and what it shows that none of them has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import slicer

_ATTRIBUTE = "MACTFusion.Lost"
_LOST, _INVENTED = "lost", "invented"
_WARNING = "⚠"


def keep_lost(
    node: slicer.vtkMRMLVolumeNode, regions: Sequence[Mapping] | None, names: Mapping[str, str]
) -> None:
    """Keep with a fused node what is lost or invented in it.

    Args:
        node: the fused volume.
        regions: ``lost`` of the record, None where that was not checked.
        names: of the volumes by their roles.
    """
    node.SetAttribute(_ATTRIBUTE, _sentence(regions, names))


def lost_line(node: slicer.vtkMRMLVolumeNode | None) -> tuple[str, bool]:
    """Return a line on a fused node, "" where nothing is known, and whether it is a warning."""
    kept = None if node is None else node.GetAttribute(_ATTRIBUTE)
    if not kept:
        return "", False
    mark, _space, sentence = kept.partition(" ")
    return f"{mark} {node.GetName()}: {sentence}", mark == _WARNING


def _sentence(regions: Sequence[Mapping] | None, names: Mapping[str, str]) -> str:
    """Say it after a mark.

    The record lists only the largest, so how many there are is not said.
    """
    if regions is None:
        return "– " + _("It was not checked whether structure of a source is lost.")
    new = [region for region in regions if region["kind"] == _INVENTED]
    gone = [region for region in regions if region["kind"] != _INVENTED]
    # Small structure that the grid averaged away comes first in the record, whatever its size.
    gone.sort(key=lambda region: region["kind"] != _LOST)
    sentences = []
    if gone:
        sources = {region["source"] for region in gone}
        template = _("Structure of {names} is lost, most at R, A, S {place} mm.")
        called = ", ".join(name for role, name in names.items() if role in sources)
        sentences.append(template.format(names=called, place=_place(gone[0])))
    if new:
        template = _("Structure that no source has is shown, most at R, A, S {place} mm.")
        sentences.append(template.format(place=_place(new[0])))
    if sentences:
        return " ".join([_WARNING, *sentences])
    return "✓ " + _("No structure of a source is lost, and none is invented.")


def _place(region: Mapping) -> str:
    return ", ".join(f"{round(value)}" for value in region["position"])
