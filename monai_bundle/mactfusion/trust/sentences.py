"""What is said of what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.amounts import counted, percent
from mactfusion.trust.regions import INVENTED, LOST, PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.trust.regions import Region


def sentence_of(
    regions: Sequence[Region], shares: Mapping[str, float], names: Mapping[str, str]
) -> str:
    """Say what a fused volume does not show, or shows though no source does; "" of nothing.

    Args:
        regions: all of them, the most important first.
        shares: of what each source alone shows, the share that is lost, by its role.
        names: what a sentence calls each source, by its role.
    """
    lost = [region for region in regions if region["kind"] == LOST]
    parts = []
    for role, share in shares.items():
        count = sum(region["source"] == role for region in lost)
        if count:
            where = counted(count, "region")
            parts.append(f"{percent(share)} of what {names[role]} alone shows, in {where}")
    sentences = []
    if parts:
        sentences.append(
            f"The fused volume lost {', and '.join(parts)}; the largest loss is {at(lost[0])}"
        )
    new = [region for region in regions if region["kind"] == INVENTED]
    if new:
        where = counted(len(new), "region")
        sentences.append(f"No source shows what it shows in {where}, the largest {at(new[0])}")
    return "; ".join(sentences).replace("; No", "; no") + "." if sentences else ""


def at(region: Region) -> str:
    """Say where a region lies, how large it is, and what is left of it."""
    numbers = ", ".join(f"{value:.0f}" for value in region["position"])
    where = f"column and row {numbers}" if region["unit"] == PIXELS else f"R, A, S {numbers} mm"
    kept = percent(region["kept"]) if region["kept"] > 0 else "nothing"
    left = f", {kept} kept" if region["kind"] != INVENTED else ""
    return f"{region['size']:.0f} {region['unit']} long at {where}{left}"
