"""What the report says of what the fused volume lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.amounts import counted, percent
from mactfusion.report.legend import kinds_of, modalities_of
from mactfusion.trust.regions import FUSED, INVENTED, PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.report.fusion import Summary

NOT_CHECKED = "Not checked."
NOTHING = "No structure of a source is lost, and none is invented."


def lost_of(summary: Summary, scene: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the template names: ``line`` (one sentence) and ``regions``.

    Each region has ``kind``, ``source``, ``position``, ``size``, ``kept`` as texts, and ``index``,
    where the cross-hair goes when it is chosen.

    Args:
        summary: of the report; None where it does not speak of it.
        scene: what the page's script knows of the grid.
    """
    if "lost" not in summary:
        return None
    regions = summary["lost"]
    if regions is None:
        return {"line": NOT_CHECKED, "regions": []}
    if not regions:
        return {"line": NOTHING, "regions": []}
    names = _names(summary)
    to_index = np.linalg.inv(np.array(scene["affine"], np.float64))
    most = np.array(scene["shape"]) - 1
    rows = []
    for region in regions:
        position = np.zeros(4)
        position[3] = 1
        position[: len(region["position"])] = region["position"]
        index = np.rint(to_index @ position)[:3].clip(0, most).astype(int)
        rows.append(
            {
                "kind": region["kind"],
                "source": names.get(region["source"], region["source"]),
                "position": ", ".join(f"{value:.0f}" for value in region["position"]),
                "size": f"{region['size']:.0f} {'px' if region['unit'] == PIXELS else 'mm'}",
                "kept": "" if region["kind"] == INVENTED else percent(region["kept"]),
                "index": index.tolist(),
            }
        )
    return {"line": _line(regions, names), "regions": rows}


def _line(regions: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    counts: dict[str, int] = {}
    for region in regions:
        what = "invented" if region["kind"] == INVENTED else f"of {names[region['source']]} lost"
        counts[what] = counts.get(what, 0) + 1
    parts = [f"{counted(count, 'region')} {what}" for what, count in counts.items()]
    return f"{', '.join(parts)}."


def _names(summary: Summary) -> dict[str, str]:
    """Role to what the report calls it."""
    modalities = modalities_of(summary.get("task"))
    partners = summary.get("partners", [])
    names = {"anatomical": modalities[0] if modalities else "anatomical", FUSED: FUSED}
    names |= {
        partner["input"]: kind for partner, kind in zip(partners, kinds_of(partners), strict=True)
    }
    return names
