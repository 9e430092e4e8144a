"""``mactfusion models``: the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mactfusion.cli.screen import tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mactfusion.networks.registry import Model

MEASURED_EDGE = 256


def models(
    measure: Annotated[
        bool, typer.Option("--measure", help="Also time one slice of 256 x 256 on the CPU.")
    ] = False,
) -> None:
    """List the networks: tasks, size, cost, weights, status and citation."""
    from mactfusion.bundle import bundle_root
    from mactfusion.networks.registry import DEFAULT_MODEL, MODELS

    for name, model in MODELS.items():
        facts = {
            "tasks": ", ".join(model.tasks),
            "size": f"{model.parameter_count():,} parameters",
            "cost": f"{model.gigaflops(MEASURED_EDGE, MEASURED_EDGE):.1f} GFLOP for a pair of "
            f"{MEASURED_EDGE} x {MEASURED_EDGE}, convolutions and matrix products",
            "weights": ", ".join(_weights_of(model, bundle_root() / "models")),
            "status": model.status,
            "citation": model.citation,
        }
        if measure:
            facts["speed"] = f"{seconds_per_slice(model):.2f} s a slice on this machine's CPU"
        tell(f"{name} (default)" if name == DEFAULT_MODEL else name)
        for fact, value in facts.items():
            tell(f"  {fact:<9} {value}")


def _weights_of(model: Model, folder: Path) -> Iterator[str]:
    """Say of each weight file which task it is for, if not for all, and whether it is there."""
    for file in model.weight_files():
        tasks = [task for task in model.own_weights if model.weights_for(task) == file]
        notes = [f"for {' and '.join(tasks)}"] if tasks else []
        if not (folder / file).is_file():
            notes.append("not shipped")
        yield f"{file} ({', '.join(notes)})" if notes else file


def seconds_per_slice(model: Model, edge: int = MEASURED_EDGE) -> float:
    """Time one square slice on the CPU, after one that warms up; the weights do not matter."""
    from time import perf_counter

    import torch

    network = model.network().eval()
    image = torch.rand(1, 2, edge, edge, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        network(image)
        start = perf_counter()
        network(image)
    return perf_counter() - start
