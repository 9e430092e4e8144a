"""Share of a fusion's time that the check of what was lost takes.

    python -m training.benchmarks.lost_check [--pair 60x256] [--page docs/trust.md]

Each pair, SLICESxSIZE, is fused on the CPU in a process of its own, see
:mod:`training.benchmarks.fuse_pair`. Set ``OMP_NUM_THREADS=1`` for one thread.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from training.benchmarks.fuse_pair import Footprint, footprint_of_fusing
from training.marked_page import Markers, write_between_markers
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKERS = Markers("<!-- time of the check begins -->", "<!-- time of the check ends -->")
PAIRS = ("60x256", "30x512")
CHECK, PLACE = "finish: CheckLostd", "place: PlacePartnerd"


def table(footprints: Sequence[Footprint]) -> str:
    """Return CPU times, and the share of all other steps, as Markdown."""
    rows = []
    for one in footprints:
        check, rest = one.steps[CHECK], one.cpu_seconds - one.steps[CHECK]
        unplaced = rest - one.steps[PLACE]
        rows.append(
            [
                f"{one.size}×{one.size}×{one.slices}",
                f"{check:.2f} s",
                f"{rest:.2f} s",
                f"{100 * check / rest:.0f} %",
                f"{100 * check / unplaced:.0f} %",
            ]
        )
    head = ["volume", "check", "all other steps", "share", "share with --register off"]
    return markdown_table(head, rows)


def main(
    pair: Annotated[
        list[str] | None, typer.Option(help=f"SLICESxSIZE, or more; {' and '.join(PAIRS)}.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write the table into this page.")] = None,
) -> None:
    """Measure what share of a fusion the check is."""
    sizes = [one.split("x") for one in pair or PAIRS]
    found = table([footprint_of_fusing(int(slices), int(size)) for slices, size in sizes])
    Console(highlight=False, width=200).print(found, markup=False)
    if page is not None:
        write_between_markers(page, MARKERS, found)


if __name__ == "__main__":
    typer.run(main)
