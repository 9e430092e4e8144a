"""``mactfusion demo``: a synthetic head, fused, drawn and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mactfusion.cli.screen import fail


def demo(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("demo"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Make a synthetic head, fuse its MR with CT, PET and SPECT, and check the result."""
    from mactfusion.demo import MisplacedLandmarkError, run_demo

    try:
        run_demo(folder, device)
    except MisplacedLandmarkError as error:
        fail(str(error))
