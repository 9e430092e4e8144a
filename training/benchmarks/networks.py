"""CPU time of every network for one slice, by turns on one core in one process.

    python -m training.benchmarks.networks [--size 256] [--repeats 5] [--page docs/benchmark.md]

Beside the networks of the registry runs the published graph written the plain way. Times of
different machines, or of a busy one, differ; the ratios are what counts.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import torch
import typer
from rich.progress import track

from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from training.benchmarks.naive_mactfusion import NaiveMACTFusion
from training.marked_page import Markers, write_between_markers
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

MARKERS = Markers("<!-- networks begin -->", "<!-- networks end -->")
PLAIN = "`mactfusion`, written the plain way"


def networks() -> dict[str, Callable[[Tensor], Tensor]]:
    """Every network of the registry, and the published graph in its plain form.

    Weights are random: they do not change what is computed.
    """
    torch.manual_seed(0)
    made: dict[str, Callable[[Tensor], Tensor]] = {
        f"`{name}`": model.network().eval() for name, model in MODELS.items()
    }
    published = MODELS["mactfusion"].network()
    return {**made, PLAIN: NaiveMACTFusion(published.state_dict())}


@torch.inference_mode()
def cpu_seconds(
    runs: Mapping[str, Callable[[Tensor], Tensor]], image: Tensor, repeats: int
) -> dict[str, float]:
    """Run each by turns and return its median CPU time; its first run is not counted.

    Args:
        runs: by name.
        image: ``(1, 2, H, W)`` in [0, 1].
        repeats: turns that are counted.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in track(range(repeats + 1), "By turns"):
        for name, run in runs.items():
            start = time.process_time()
            run(image)
            if turn:
                times[name].append(time.process_time() - start)
    return {name: statistics.median(own) for name, own in times.items()}


def networks_table(seconds: Mapping[str, float]) -> str:
    """Tabulate CPU times, the shortest first, with their ratio to that of the default."""
    default = seconds[f"`{DEFAULT_MODEL}`"]
    rows = [
        [name, f"{1000 * own:.1f} ms", f"{own / default:.1f}"]
        for name, own in sorted(seconds.items(), key=lambda entry: entry[1])
    ]
    return markdown_table(("network", "CPU time", f"times `{DEFAULT_MODEL}`"), rows)


def main(
    size: Annotated[int, typer.Option(min=16, help="Edge of the slice.")] = 256,
    repeats: Annotated[int, typer.Option(min=1)] = 5,
    page: Annotated[Path | None, typer.Option(help="Page to write the table into.")] = None,
) -> None:
    """Time the networks on one core of this machine's processor."""
    torch.set_num_threads(1)
    image = torch.rand(1, 2, size, size, generator=torch.Generator().manual_seed(0))
    table = networks_table(cpu_seconds(networks(), image, repeats))
    typer.echo(table)
    if page is not None:
        write_between_markers(page, MARKERS, table)


if __name__ == "__main__":
    typer.run(main)
