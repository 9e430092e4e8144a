"""The legend of a fused node: what each value looks like, from dark to bright anatomy."""

from __future__ import annotations

import html
import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import slicer

_ATTRIBUTE = "MACTFusion.Legends"


def names_by_role(names: Sequence[str]) -> dict[str, str]:
    """Return the names of the anatomical volume and its partners by the roles of the record."""
    anatomical, *partners = names
    if len(partners) == 1:
        return {"anatomical": anatomical, "partner": partners[0]}
    return {
        "anatomical": anatomical,
        **{f"partner {number}": name for number, name in enumerate(partners, start=1)},
    }


def keep_legends(
    node: slicer.vtkMRMLVolumeNode, legends: Sequence[Mapping], names: Mapping[str, str]
) -> None:
    """Keep with a fused node what its colours say; a grey one has none.

    Args:
        node: the fused volume, or a slice of it.
        legends: what the worker says of each partner.
        names: of the volumes by their roles, see :func:`names_by_role`.
    """
    kept = [
        {
            **{key: legend[key] for key in ("low", "high", "units", "png")},
            "name": names[role],
            "role": role,
        }
        for legend, role in ((each, each["input"]) for each in legends)
        if legend["png"] and node.IsA("vtkMRMLVectorVolumeNode")
    ]
    node.SetAttribute(_ATTRIBUTE, json.dumps(kept) if kept else None)


def legends_of(node: slicer.vtkMRMLVolumeNode | None) -> list:
    """Return what is kept with a fused node.

    Returns:
        Of each partner with colours a mapping of ``name``, ``role`` (as in the record), ``low`` and
        ``high`` (the ends of its window), ``units`` and ``png`` (base64); none of a grey node.
    """
    kept = None if node is None else node.GetAttribute(_ATTRIBUTE)
    return list(json.loads(kept or "[]"))


def ends_of(legend: Mapping) -> tuple[str, str]:
    """Return the ends of a window as people read them, with as many digits as its width needs."""
    low, high = legend["low"], legend["high"]
    width = high - low
    digits = max(0, 2 - math.floor(math.log10(width))) if width > 0 else 1
    left, right = (f"{round(value, digits) + 0.0:.{digits}f}" for value in (low, high))
    return left, right


def legend_text(node: slicer.vtkMRMLVolumeNode | None) -> str:
    """Return the legend of a fused node as rich text, "" where there is none.

    It has for each partner with colours its name and units, and below them the ends of its window
    beside a picture: value to the right, brightness upwards.
    """
    return "".join(_of_partner(legend) for legend in legends_of(node))


def _of_partner(legend: Mapping) -> str:
    units = f" ({legend['units']})" if legend["units"] else ""
    left, right = ends_of(legend)
    png = html.escape(legend["png"])
    picture = (
        '<img width="192" height="40" style="vertical-align: middle" '
        f'src="data:image/png;base64,{png}">'
    )
    name = html.escape(legend["name"] + units)
    return f"<div>{name}</div><div>{left}&nbsp;{picture}&nbsp;{right}</div>"
