"""``mactfusion export``: a network as a file for other programs."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer looks it up
from typing import Annotated

import typer

from mactfusion.cli.screen import tell
from mactfusion.deploy.formats import FORMATS, check_export, format_of
from mactfusion.io.names import check_apart, check_place
from mactfusion.networks.registry import DEFAULT_MODEL
from mactfusion.option_table import OPTIONS


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            help=f"One of {', '.join(FORMATS)}. By default the name tells: "
            f"{', '.join(entry.extension for entry in FORMATS.values())}.",
            autocompletion=lambda: list(FORMATS),
        ),
    ] = None,
    model: Annotated[str, typer.Option(help=OPTIONS["model"].help)] = OPTIONS["model"].default,
    task: Annotated[
        str, typer.Option(help="Its weights are taken, where the network has some of its own.")
    ] = "auto",
    weights: Annotated[Path | None, typer.Option(help=OPTIONS["weights"].help)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace it.")] = False,
) -> None:
    """Write a network for other programs: TorchScript, ONNX, torch.export; checked when written."""
    chosen = format_of(output, format)
    for name, value in (("model", model), ("task", task), ("weights", weights)):
        OPTIONS[name].checked(name, value)
    if model != "auto" or weights is None:
        check_export(DEFAULT_MODEL if model == "auto" else model, chosen)
    check_place(output, overwrite, f"{output} cannot be written")
    check_apart({"export": output}, {"weight file": weights})
    from mactfusion.deploy.export import export_network
    from mactfusion.deploy.parity import SHAPES

    written = export_network(output, chosen, model, task, weights)
    tell(
        f"{output}: {written.model} with weights {written.weights_sha256[:12]}…, as "
        f"{FORMATS[chosen].called}; on {len(SHAPES)} sizes and batches it differs from the network "
        f"by {written.difference:.1e} of the full scale at most"
    )
