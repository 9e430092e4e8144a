"""``mactfusion import-weights``: an authors' published checkpoint in this project's names."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer looks it up
from typing import Annotated

import typer

from mactfusion.cli.screen import tell
from mactfusion.errors import InputError


def import_weights(
    file: Annotated[Path, typer.Argument(help="The authors' checkpoint: MACTFusion or DILRAN.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Weight file to write.")],
    model: Annotated[
        str | None, typer.Option(help="Whose it is: mactfusion, dilran. By default its keys tell.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace it.")] = False,
) -> None:
    """Convert an authors' published checkpoint to this project's names."""
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists already; add --overwrite or choose another name.")
    if not file.is_file():
        raise InputError(f"{file} does not exist.")
    from mactfusion.networks.published_weights import import_published_weights
    from mactfusion.weights import read_state, save_state

    try:
        imported = import_published_weights(read_state(file), model)
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from error
    digest = save_state(imported.state, output)
    for key in imported.dead:
        tell(f"not used: {key}")
    tell(
        f"{output}: {imported.model}, {len(imported.state)} tensors, {len(imported.dead)} unused "
        f"ones left out, SHA-256 {digest}"
    )
