"""Tables of lost lesions: Markdown for a page, and CSV."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import astuple, fields, replace
from typing import TYPE_CHECKING

from mactfusion.io.atomic import atomic_path
from mactfusion.trust.lesions import LESIONS
from training.lesion_study.measure import CHANNELS, Measured
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def summed(measured: Iterable[Measured]) -> list[Measured]:
    """Add up the slices of one cell, in the order in which cells first come."""
    places: Counter[Measured] = Counter()
    lost: Counter[Measured] = Counter()
    for one in measured:
        cell = replace(one, places=0, lost=0)
        places[cell] += one.places
        lost[cell] += one.lost
    return [replace(cell, places=places[cell], lost=lost[cell]) for cell in places]


def write_csv(path: Path, cells: Iterable[Measured]) -> None:
    """Write one line a cell, with the fields of :class:`Measured`."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Measured)])
        writer.writerows(map(astuple, cells))


def lesion_tables(cells: Sequence[Measured]) -> str:
    """Markdown: a table for each task and source, a line for each lesion, a column for each method.

    What is from slices and from volumes is counted together, and apart in the last lines where
    there are both.
    """
    parts = []
    for task, channels in CHANNELS.items():
        for source in channels:
            own = [cell for cell in cells if (cell.task, cell.source) == (task, source)]
            if own:
                with_mr = channels[0] == "MR"
                pair = f"{channels[1]}-MR" if with_mr else f"{channels[0]} with {channels[1]}"
                parts += [f"### {pair}, lesion in {source}", _table(own)]
    return "\n\n".join(parts)


def _table(cells: Sequence[Measured]) -> str:
    methods = list(dict.fromkeys(cell.method for cell in cells))
    origins = list(dict.fromkeys(cell.origin for cell in cells))

    def row(name: str, own: Sequence[Measured]) -> list[str]:
        counts = {
            method: (
                sum(cell.lost for cell in own if cell.method == method),
                sum(cell.places for cell in own if cell.method == method),
            )
            for method in methods
        }
        shares = [f"{100 * lost / of:.0f}" if of else "–" for lost, of in counts.values()]
        return [name, str(counts[methods[0]][1]), *shares]

    rows = [row(kind, [cell for cell in cells if cell.kind == kind]) for kind in LESIONS]
    rows.append(row("all", cells))
    if len(origins) > 1:
        rows += [
            row(f"all, in {origin}", [cell for cell in cells if cell.origin == origin])
            for origin in origins
        ]
    return markdown_table(["lesion", "places", *methods], rows)
