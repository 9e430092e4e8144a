"""Tables of readable colours, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.transforms.color_names import DICOM_PALETTES, IRONS, METALS
from mactfusion.trust.readable import promise_of
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.color_study.measure import Readability

TABLES = (*METALS, "viridis", "cividis", "inferno", "turbo", *DICOM_PALETTES, *IRONS)


def case_tables(found: Mapping[tuple[str, str], Readability]) -> str:
    """Return a table of what colours say, and one of what the five metrics lose.

    Args:
        found: by case and mode of colour.
    """
    says = [
        [
            name,
            f"`{colors}`",
            f"{one.of_uptake:.2f}",
            f"{one.of_anatomy:.2f}",
            f"{100 * one.error:.1f} / {100 * one.error_95:.1f} %",
            f"{one.difference:.3f}",
            "–" if one.colorless != one.colorless else f"{100 * one.colorless:.0f} %",
        ]
        for (name, colors), one in found.items()
    ]
    headings = ["case", "colors", "chroma with uptake", "chroma with anatomy", "error, 95 %"]
    headings += ["least ΔE", "without colour"]
    metrics = list(next(iter(found.values())).losses)
    loses = [
        [name, f"`{colors}`", *(f"{100 * one.losses[metric]:.1f} %" for metric in metrics)]
        for (name, colors), one in found.items()
    ]
    return (
        markdown_table(headings, says)
        + "\n\n"
        + markdown_table(["case", "colors", *metrics], loses)
    )


def promise_table() -> str:
    """Return a table of what colour tables promise."""
    rows = []
    for name in TABLES:
        promise = promise_of(name)
        normal = promise.readings["normal"]
        blind = (promise.readings[kind] for kind in ("protan", "deutan", "tritan"))
        rows.append(
            [
                f"`{name}`",
                f"{normal.rank:.3f}",
                f"{100 * normal.error_95:.0f} %",
                f"{normal.difference:.3f}",
                " / ".join(f"{reading.rank:.2f}" for reading in blind),
                promise.sentence,
            ]
        )
    headings = ["table", "rank", "error, 95 %", "least ΔE", "rank without red / green / blue"]
    return markdown_table([*headings, "it"], rows)
