"""What a fused node lost of its sources, and what it shows that none of them has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import slicer

_ATTRIBUTE = "MACTFusion.Lost"
_WARNING = "⚠"
_ORDER = {"lost": 0, "invented": 2}
"""What the grid averaged away is small, and comes first in the record whatever its size."""


def keep_lost(
    node: slicer.vtkMRMLVolumeNode, regions: Sequence[Mapping] | None, names: Mapping[str, str]
) -> None:
    """Keep with a fused node what is lost or invented in it, what matters most first.

    Args:
        node: the fused volume, which lies in the world as it will without a transform.
        regions: ``lost`` of the record, None where that was not checked.
        names: of the volumes by their roles.
    """
    kept = None
    if regions is not None:
        kept = [
            {
                "position": [round(float(mm), 1) for mm in region["position"]],
                "name": "" if region["kind"] == "invented" else names.get(region["source"], ""),
            }
            for region in sorted(regions, key=lambda region: _ORDER.get(region["kind"], 1))
        ]
    node.SetAttribute(_ATTRIBUTE, json.dumps({"places": kept}))


def lost_places(node: slicer.vtkMRMLVolumeNode | None) -> list:
    """Return where something is lost, what matters most first, and then where it is invented.

    Returns:
        A mapping each: ``position``, RAS millimetres in the world, where the fused volume lies now,
        and ``name`` of the volume whose structure is lost, "" of what is invented.
    """
    kept = None if node is None else _kept(node)
    places = []
    for place in (kept or {}).get("places") or []:
        position = [0.0, 0.0, 0.0]
        node.TransformPointToWorld(place["position"], position)
        places.append({**place, "position": position})
    return places


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


def lost_line(node: slicer.vtkMRMLVolumeNode | None, is_outdated: bool = False) -> tuple[str, bool]:
    """Return a line on a fused node, "" where nothing is known, and whether it is a warning.

    Args:
        node: the fused volume.
        is_outdated: see :func:`MACTFusionLib.nodes.made_of.is_outdated`.
    """
    kept = None if node is None else _kept(node)
    if kept is None:
        return "", False
    places = lost_places(node)
    if is_outdated:
        mark, said = "–", _("What is lost was looked for before its sources were moved or edited.")
    elif places:
        mark, said = _WARNING, _sentence(places)
    elif kept["places"] is None:
        mark, said = "–", _("It was not checked whether structure of a source is lost.")
    else:
        mark, said = "✓", _("No structure of a source is lost, and none is invented.")
    return f"{mark} {node.GetName()}: {said}", mark == _WARNING


def _sentence(places: Sequence[Mapping]) -> str:
    """Say what is lost; only the largest are kept, so how many there are is not said."""
    gone = [place for place in places if place["name"]]
    new = [place for place in places if not place["name"]]
    sentences = []
    if gone:
        template = _("Structure of {names} is lost, most at R, A, S {place} mm.")
        called = ", ".join(dict.fromkeys(place["name"] for place in gone))
        sentences.append(template.format(names=called, place=_where(gone[0])))
    if new:
        template = _("Structure that no source has is shown, most at R, A, S {place} mm.")
        sentences.append(template.format(place=_where(new[0])))
    return " ".join(sentences)


def _kept(node: slicer.vtkMRMLVolumeNode) -> dict | None:
    """Return what is kept with a node, None where that is nothing that can be used."""
    try:
        kept = json.loads(node.GetAttribute(_ATTRIBUTE) or "")
        return kept if isinstance(kept, dict) and "places" in kept else None
    except (ValueError, TypeError):  # an earlier version kept a sentence
        return None


def _where(place: Mapping) -> str:
    return ", ".join(f"{round(value)}" for value in place["position"])
