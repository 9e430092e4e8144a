"""What the report calls the volumes, and which colours mean what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mactfusion.amounts import percent
from mactfusion.report.options import number_text, window_ends, window_text, with_units
from mactfusion.report.two_way import as_png, two_way_legend
from mactfusion.transforms.color_names import FORMER_COLORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODALITIES = {
    "ct-mri": ("MR", "CT"),
    "pet-mri": ("MR", "PET"),
    "spect-mri": ("MR", "SPECT"),
    "pet-ct": ("CT", "PET"),
    "spect-ct": ("CT", "SPECT"),
    "mr-mr": ("MR", "second MR"),
    "gfp-pc": ("phase contrast", "GFP"),
}


def modalities_of(task: str | None) -> list[str]:
    """Return the modalities of a task, the anatomical one first; of several partners all.

    Args:
        task: such as "pet-mri"; of several partners joined by " + ".
    """
    known = [MODALITIES[each] for each in (task or "").split(" + ") if each in MODALITIES]
    return [known[0][0], *(partner for _, partner in known)] if known else []


def row_names(task: str | None) -> dict[str, str]:
    """Return the names of the report's rows for a task, or for several joined by " + "."""
    anatomical, *partners = modalities_of(task) or ["", ""]
    named = ", ".join(partners)
    return {
        "anatomical": f"Anatomical ({anatomical})" if anatomical else "Anatomical",
        "partner": named if len(partners) > 1 else f"Partner ({named})" if named else "Partner",
        "fused": "Fused",
    }


def legend_of(
    partners: Sequence[Mapping[str, Any]], colors: str = FORMER_COLORS
) -> list[dict[str, str]]:
    """Return the lines of the legend for each partner.

    Args:
        partners: what the record says of each.
        colors: see :func:`mactfusion.report.two_way.colors_of`.

    Returns:
        ``kind`` (with a number where several are of one kind), ``name``, ``task``, ``window``,
        ``low`` and ``high`` (native values at the ends of the colours, the high one with its
        units), ``units``, ``coverage``, ``table``, ``colors``, a CSS gradient, empty for its own
        colours, and ``picture``, base64 of a PNG, see
        :func:`~mactfusion.report.two_way.two_way_legend`, empty where there is none.
    """
    return [
        _lines(partner, kind, colors)
        for partner, kind in zip(partners, kinds_of(partners), strict=True)
    ]


def kinds_of(partners: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the modality of each partner, with a number where several are of one kind.

    A dose of radiotherapy is shown as uptake is; its units tell it.
    """
    kinds = [
        "dose" if partner["units"] == "Gy" else MODALITIES[partner["task"]][1]
        for partner in partners
    ]
    return [
        f"{kind} {kinds[: place + 1].count(kind)}" if kinds.count(kind) > 1 else kind
        for place, kind in enumerate(kinds)
    ]


def report_rows(task: str | None, legend: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return what the report shows side by side.

    Args:
        task: see :func:`row_names`.
        legend: of the partners, see :func:`legend_of`.

    Returns:
        For each volume its ``id`` on the page; ``role``, which gives the colour of its text;
        ``label`` (a word or two) and ``name``; ``is_shown``, whether the page begins with it; and
        ``legend`` of a partner.
    """
    names = row_names(task)
    anatomical = _row("anatomical", "Anatomical", names["anatomical"])
    fused = _row("fused", "Fused", names["fused"])
    blend = _row("blend", "Blend", "Blend", is_shown=False)
    if len(legend) < 2:
        partner = _row("partner", "Partner", names["partner"])
        return [anatomical, {**partner, "legend": legend[0] if legend else None}, fused, blend]
    each = [
        {**_row(f"partner-{number}", own["kind"], own["kind"]), "role": "partner", "legend": own}
        for number, own in enumerate(legend, start=1)
    ]
    joined = _row("partner", "Joined", "Partners joined", is_shown=False)
    return [anatomical, *each, joined, fused, blend]


def _row(id_: str, label: str, name: str, is_shown: bool = True) -> dict[str, Any]:
    row = {"id": id_, "role": id_, "label": label, "name": name, "is_shown": is_shown}
    return {**row, "legend": None}


def _lines(partner: Mapping[str, Any], kind: str, colors: str) -> dict[str, str]:
    """Return the lines of one partner."""
    units = partner["units"]
    low, high = window_ends(partner["level_width"])
    stops = ", ".join(partner["colors"])
    picture = two_way_legend(partner, colors)
    return {
        "kind": kind,
        "name": partner["name"],
        "task": partner["task"],
        "window": window_text(partner["level_width"], units),
        "table": partner["colormap"],
        "colors": f"linear-gradient(to right, {stops})" if stops else "",
        "picture": "" if picture is None else as_png(picture),
        "low": number_text(low),
        "high": with_units(high, units),
        "units": units,
        "coverage": percent(partner["coverage"], 1),
    }
