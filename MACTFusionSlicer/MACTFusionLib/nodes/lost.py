"""What a fused node lost of its sources, and what it shows that none of them has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import slicer

_ATTRIBUTE = "MACTFusion.Lost"
_PLACES = "MACTFusion.LostPlaces"
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
    gone, new = _sorted(regions or [])
    places = [
        {
            "position": [round(float(mm), 1) for mm in region["position"]],
            "name": "" if region in new else names.get(region["source"], ""),
        }
        for region in (*gone, *new)
    ]
    node.SetAttribute(_PLACES, json.dumps(places) if places else None)


def lost_places(node: slicer.vtkMRMLVolumeNode | None) -> list:
    """Return where something is lost, what matters most first, and then where it is invented.

    Returns:
        A mapping each: ``position``, RAS millimetres in the world, and ``name`` of the volume whose
        structure is lost, "" of what is invented.
    """
    kept = None if node is None else node.GetAttribute(_PLACES)
    return list(json.loads(kept or "[]"))


def place_line(place: Mapping, number: int, count: int) -> str:
    """Say what is lost or invented at a place.

    Args:
        place: of :func:`lost_places`.
        number: which of them it is, from 1.
        count: how many there are.
    """
    template = _("Place {number} of {count}: structure that no source has.")
    if place["name"]:
        template = _("Place {number} of {count}: structure of {name} is lost.")
    return template.format(number=number, count=count, name=place["name"])


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
    gone, new = _sorted(regions)
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


def _sorted(regions: Sequence[Mapping]) -> tuple[list, list]:
    """Return what is lost, and what is invented."""
    new = [region for region in regions if region["kind"] == _INVENTED]
    gone = [region for region in regions if region["kind"] != _INVENTED]
    # Small structure that the grid averaged away comes first in the record, whatever its size.
    gone.sort(key=lambda region: region["kind"] != _LOST)
    return gone, new


def _place(region: Mapping) -> str:
    return ", ".join(f"{round(value)}" for value in region["position"])
