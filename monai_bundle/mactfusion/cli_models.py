"""The command that lists the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from mactfusion.networks.registry import Model

MEASURED_EDGE = 256


def models(
    measure: Annotated[
        bool, typer.Option("--measure", help="Also time one slice of 256 x 256 on the CPU.")
    ] = False,
) -> None:
    """List the networks: tasks, size, cost, weights, status and citation."""
    from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
    from mactfusion.pipeline import bundle_root

    out = Console(soft_wrap=True, highlight=False)
    for name, model in MODELS.items():
        absent = [f for f in model.weight_files() if not (bundle_root() / "models" / f).is_file()]
        facts = {
            "tasks": ", ".join(model.tasks),
            "size": f"{model.parameter_count():,} parameters",
            "cost": f"{model.gigaflops(MEASURED_EDGE, MEASURED_EDGE):.1f} GFLOP for a pair of "
            f"{MEASURED_EDGE} x {MEASURED_EDGE}, convolutions and matrix products",
            "weights": ", ".join(
                f"{file} (not shipped)" if file in absent else file for file in model.weight_files()
            ),
            "status": model.status,
            "citation": model.citation,
        }
        if measure:
            facts["speed"] = f"{seconds_per_slice(model):.2f} s a slice on this machine's CPU"
        out.print(f"{name} (default)" if name == DEFAULT_MODEL else name, markup=False)
        for fact, value in facts.items():
            out.print(f"  {fact:<9} {value}", markup=False)


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
