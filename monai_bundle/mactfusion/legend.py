"""What the report calls the volumes, and which colours mean what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MODALITIES = {
    "ct-mri": ("MR", "CT"),
    "pet-mri": ("MR", "PET"),
    "spect-mri": ("MR", "SPECT"),
    "mr-mr": ("MR", "second MR"),
    "gfp-pc": ("phase contrast", "GFP"),
}


def row_names(task: str | None) -> dict[str, str]:
    """Return the names of the report's rows for a task, or for several joined by " + "."""
    known = [MODALITIES[each] for each in (task or "").split(" + ") if each in MODALITIES]
    if not known:
        return {"anatomical": "Anatomical", "partner": "Partner", "fused": "Fused"}
    partners = ", ".join(partner for _, partner in known)
    return {
        "anatomical": f"Anatomical ({known[0][0]})",
        "partner": f"Partner ({partners})" if len(known) == 1 else partners,
        "fused": "Fused",
    }


def legend_of(partner: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines of the legend for one of several partners.

    Args:
        partner: what the record says of it.

    Returns:
        ``kind``, ``name``, ``table``, ``low`` and ``high`` (native values at its ends),
        ``coverage``, and ``colors``, a CSS gradient; that is empty for its own colours.
    """
    level, width = partner["level_width"]
    low = level - width / 2 if abs(level - width / 2) > width * 1e-5 else 0.0  # as it is rounded
    stops = ", ".join(partner["colors"])
    return {
        "kind": MODALITIES[partner["task"]][1],
        "name": partner["name"],
        "table": partner["colormap"],
        "colors": f"linear-gradient(to right, {stops})" if stops else "",
        "low": f"{low:.4g}",
        "high": f"{level + width / 2:.4g}",
        "coverage": f"{100 * partner['coverage']:.1f} %",
    }


def windows_applied(record: Mapping[str, Any]) -> Any:
    """Return the partner's level and width; of several, whose order is the recipe's, with names."""
    if "partners" not in record:
        return record["level_width"]
    return "; ".join(
        f"{partner['name']} {level:g}, {width:g}"
        for partner in record["partners"]
        for level, width in [partner["level_width"]]
    )
