"""What the report calls the volumes, and which colours mean what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def legend_of(partners: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the lines of the legend for each of several partners.

    Args:
        partners: what the record says of each.

    Returns:
        ``kind`` (with a number where several are of one kind), ``name``, ``task``, ``level`` and
        ``width``, ``low`` and ``high`` (native values at the ends of the colours), ``coverage``,
        ``table``, and ``colors``, a CSS gradient; that is empty for its own colours.
    """
    kinds = [MODALITIES[partner["task"]][1] for partner in partners]
    numbered = [
        f"{kind} {kinds[: place + 1].count(kind)}" if kinds.count(kind) > 1 else kind
        for place, kind in enumerate(kinds)
    ]
    return [_lines(partner, kind) for partner, kind in zip(partners, numbered, strict=True)]


def report_rows(task: str | None, legend: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return what the report shows side by side.

    Args:
        task: see :func:`row_names`.
        legend: of several partners, see :func:`legend_of`; of one nothing.

    Returns:
        For each volume its ``id`` on the page; ``role``, which gives the colour of its text;
        ``label`` (a word or two) and ``name``; ``is_shown``, whether the page begins with it; and
        ``legend`` of one of several partners.
    """
    names = row_names(task)
    anatomical = _row("anatomical", "Anatomical", names["anatomical"])
    fused = _row("fused", "Fused", names["fused"])
    blend = _row("blend", "Blend", "Blend", is_shown=False)
    if not legend:
        return [anatomical, _row("partner", "Partner", names["partner"]), fused, blend]
    each = [
        {**_row(f"partner-{number}", own["kind"], own["kind"]), "role": "partner", "legend": own}
        for number, own in enumerate(legend, start=1)
    ]
    joined = _row("partner", "Joined", "Partners joined", is_shown=False)
    return [anatomical, *each, joined, fused, blend]


def _row(id_: str, label: str, name: str, is_shown: bool = True) -> dict[str, Any]:
    row = {"id": id_, "role": id_, "label": label, "name": name, "is_shown": is_shown}
    return {**row, "legend": None}


def _lines(partner: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the lines of one partner."""
    level, width = partner["level_width"]
    low = level - width / 2 if abs(level - width / 2) > width * 1e-5 else 0.0  # as it is rounded
    stops = ", ".join(partner["colors"])
    return {
        "kind": kind,
        "name": partner["name"],
        "task": partner["task"],
        "level": f"{level:.4g}",
        "width": f"{width:.4g}",
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
