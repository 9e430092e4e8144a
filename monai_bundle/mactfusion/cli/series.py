"""What a DICOM source holds, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from mactfusion.io.dicom.listing import Listing, Series

_COLUMNS = ("no.", "modality", "description", "date", "matrix", "spacing in mm", "slices",
            "frames", "can it be fused")  # fmt: skip


def series_table(listing: Listing) -> Table:
    """Return the table: volumes first, then what cannot be fused and why."""
    table = Table(box=SIMPLE, pad_edge=False)
    for name in _COLUMNS:
        is_text = name in ("description", "can it be fused")
        is_number = name in ("no.", "slices", "frames")
        table.add_column(
            name, justify="right" if is_number else "left", no_wrap=not is_text, overflow="fold"
        )
    for series in listing.series:
        table.add_row(*(escape(cell) for cell in _row(series)))
    return table


def passed_over(listing: Listing) -> str:
    """Say how many files are no part of any volume, by reason; "" where there are none."""
    reasons = [listing.passed_in_words] if listing.passed else []
    if listing.damaged:
        named = [f"{path.name} {how}" for path, how in list(listing.damaged.items())[:3]]
        more = f" and {len(listing.damaged) - 3} more" if len(listing.damaged) > 3 else ""
        reasons.append(f"{len(listing.damaged)} damaged ({', '.join(named)}{more})")
    return f"Files passed over: {', '.join(reasons)}." if reasons else ""


def _row(series: Series) -> list[str]:
    columns, rows = series.matrix
    return [
        str(series.number),
        series.modality,
        series.description,
        series.date,
        f"{columns} x {rows}",
        " x ".join(f"{mm:.4g}" for mm in series.spacing_mm()),
        str(series.slices),
        str(series.frames or ""),
        f"no: {series.obstacle}" if series.obstacle else _yes(series),
    ]


def _yes(series: Series) -> str:
    return "yes, one frame or the mean (--frame)" if series.frames > 1 else "yes"
