"""CPU time of each stage and step of a fusion from file to file, and its peak memory.

    python -m training.benchmarks.stages [--pair 180x256] [--page docs/benchmark.md]

Each pair, SLICESxSIZE, is fused on the CPU in a process of its own that has imported
everything; see :mod:`training.benchmarks.fuse_pair`. Set ``OMP_NUM_THREADS=1`` for one thread.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from training.benchmarks.fuse_pair import NETWORK, Footprint, footprint_of_fusing
from training.marked_page import Markers, write_between_markers

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKERS = Markers("<!-- stages begin -->", "<!-- stages end -->")
PAIRS = ("180x256", "300x512")
SHOWN_SHARE = 0.01
"""Steps that take less of what is not the network are left out."""


def table(footprints: Sequence[Footprint]) -> str:
    """Return CPU time and share of stages and steps, and totals, as Markdown."""
    parts = []
    for one in footprints:
        rest = one.cpu_seconds - one.steps[NETWORK]
        lines = [
            f"{one.size}×{one.size}×{one.slices}: {one.cpu_seconds:.1f} s of CPU time, "
            f"{rest:.1f} s without the network; peak {one.peak_mib:.0f} MiB.",
            "",
            "| step | CPU time | share of all | share without the network |",
            "|---|---:|---:|---:|",
        ]
        for name, seconds in [*_stages(one.steps), *one.steps.items()]:
            if name != NETWORK and seconds < SHOWN_SHARE * rest:
                continue
            share = "" if NETWORK in name else f"{100 * seconds / rest:.0f} %"
            lines.append(
                f"| {name} | {seconds:.2f} s | {100 * seconds / one.cpu_seconds:.0f} % | {share} |"
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _stages(steps: dict[str, float]) -> list[tuple[str, float]]:
    """Return the sums of the stages, in bold; that of the network is not in any."""
    names = dict.fromkeys(step.partition(":")[0] for step in steps if ":" in step)
    return [
        (
            f"**{name}**",
            sum(seconds for step, seconds in steps.items() if step.startswith(f"{name}:")),
        )
        for name in names
    ]


def main(
    pair: Annotated[
        list[str] | None, typer.Option(help=f"SLICESxSIZE, or more; {' and '.join(PAIRS)}.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write the tables into this page.")] = None,
) -> None:
    """Measure fusions from file to file on the CPU."""
    sizes = [one.split("x") for one in pair or PAIRS]
    tables = table([footprint_of_fusing(int(slices), int(size)) for slices, size in sizes])
    Console(highlight=False).print(tables, markup=False)
    if page is not None:
        write_between_markers(page, MARKERS, tables)


if __name__ == "__main__":
    typer.run(main)
