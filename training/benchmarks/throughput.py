"""Slices per second beside the naive network, and how time and memory grow with the slices.

    python -m training.benchmarks.throughput [--size 256] [--repeats 3] [--slices 60 ...] \
        [--page docs/benchmark.md]

Both networks run in turn in the same process on the same slices, so that whatever else the
machine does falls on both; their outputs are compared. Before that whole volumes are fused, from
file to file, each in a process of its own. Times are CPU times, so set ``OMP_NUM_THREADS=1``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from torch import Tensor

from mactfusion.bundle import bundle_root
from mactfusion.inference import FusionInferer
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.weights import load_weights
from training.benchmarks.fuse_pair import Footprint, footprint_of_fusing
from training.benchmarks.naive_mactfusion import NaiveMACTFusion
from training.marked_page import Markers, write_between_markers
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MARKERS = Markers("<!-- throughput begins -->", "<!-- throughput ends -->")


@dataclass(frozen=True)
class Race:
    """The naive network and the library on the same slices.

    Attributes:
        size: rows and columns of a slice.
        naive: slices per second of CPU time, one value a repeat.
        library: likewise.
        largest_difference: of the outputs, over all pixels.
    """

    size: int
    naive: list[float]
    library: list[float]
    largest_difference: float

    @property
    def ratios(self) -> list[float]:
        """How many times as fast the library is, one value a repeat."""
        return [ours / theirs for ours, theirs in zip(self.library, self.naive, strict=True)]


@dataclass(frozen=True)
class Growth:
    """Straight line through time against slices.

    Attributes:
        seconds_per_slice: its slope.
        r_squared: share of the variance that the line explains, at most 1.
    """

    seconds_per_slice: float
    r_squared: float


def race(network: MACTFusion, size: int, repeats: int, slices: int = 2) -> Race:
    """Run both networks in turn on ``slices`` random slices of ``size`` x ``size``."""
    naive = NaiveMACTFusion(network.state_dict())
    inferer = FusionInferer()
    volume = torch.rand(1, 2, slices, size, size, generator=torch.Generator().manual_seed(0))

    def run_naive() -> Tensor:
        return torch.stack([naive(volume[:, :, index]) for index in range(slices)], dim=2)

    def run_library() -> Tensor:
        return inferer(volume, network)

    rates: dict[Callable[[], Tensor], list[float]] = {run_naive: [], run_library: []}
    with torch.no_grad():
        # The first run of each, which fills caches, is not timed.
        difference = float((run_naive() - run_library()).abs().max())
        for repeat in range(repeats):
            for run in (run_naive, run_library) if repeat % 2 == 0 else (run_library, run_naive):
                start = time.process_time()
                run()
                rates[run].append(slices / (time.process_time() - start))
    return Race(size, rates[run_naive], rates[run_library], difference)


def fit_line(slices: Sequence[int], seconds: Sequence[float]) -> Growth:
    """Fit time against slices; needs two different numbers of slices."""
    slope, intercept = np.polyfit(slices, seconds, 1)
    values = np.asarray(seconds)
    residual = ((values - (slope * np.asarray(slices) + intercept)) ** 2).sum()
    return Growth(float(slope), float(1 - residual / ((values - values.mean()) ** 2).sum()))


def race_table(races: Sequence[Race]) -> str:
    """Slices per second of both, median over the repeats, with the range of the ratio."""
    rows = [
        [
            f"{one.size}×{one.size}",
            f"{np.median(one.naive):.2f}",
            f"{np.median(one.library):.2f}",
            f"{np.median(one.ratios):.2f} ({min(one.ratios):.2f}–{max(one.ratios):.2f})",
            f"{one.largest_difference:.1e}",
        ]
        for one in races
    ]
    head = ["slice", "plain, slices/s", "recipe, slices/s", "ratio (range)", "largest difference"]
    return markdown_table(head, rows)


def growth_table(footprints: Sequence[Footprint]) -> str:
    """Time and memory of whole volumes, from file to file, and the straight line through the time.

    Args:
        footprints: of volumes of one size, at least two with different numbers of slices.
    """
    rows = [
        [
            f"{one.size}×{one.size}×{one.slices}",
            f"{one.cpu_seconds:.1f} s",
            f"{one.peak_mib:.0f} MiB",
        ]
        for one in footprints
    ]
    line = fit_line([one.slices for one in footprints], [one.cpu_seconds for one in footprints])
    return (
        f"{markdown_table(['from file to file', 'CPU time', 'peak memory'], rows)}\n\n"
        f"Each slice adds {line.seconds_per_slice:.3f} s (a straight line, "
        f"R² = {line.r_squared:.4f})."
    )


def main(
    weights: Annotated[Path | None, typer.Option(help="Ours by default.")] = None,
    size: Annotated[list[int], typer.Option(help="Edge of a slice; may be repeated.")] = [256],  # noqa: B006
    repeats: Annotated[int, typer.Option(min=1)] = 3,
    slices: Annotated[list[int], typer.Option(help="Of a volume; two or more.")] = [60, 120, 180],  # noqa: B006
    volume_size: Annotated[int, typer.Option(help="Edge of the volumes' slices.")] = 256,
    page: Annotated[Path | None, typer.Option(help="Write the tables into this page.")] = None,
) -> None:
    """Measure on the CPU; thin slabs are not placed, so their time says little of others."""
    if len(set(slices)) < 2:
        raise typer.BadParameter("give --slices at least twice, with different numbers")
    # Volumes first, while this process is small: see footprint_of_fusing.
    grown = growth_table([footprint_of_fusing(number, volume_size) for number in slices])
    network = MACTFusion()
    load_weights(network, weights or bundle_root() / "models" / "mactfusion.pt")
    tables = f"{race_table([race(network, edge, repeats) for edge in size])}\n\n{grown}"
    Console(highlight=False, width=200).print(tables, markup=False)
    if page is not None:
        write_between_markers(page, MARKERS, tables)


if __name__ == "__main__":
    typer.run(main)
