"""Draw four cases that a fused picture misleads in, before and after.

    python -m training.cases

Fuses the synthetic head of ``mactfusion demo``, with a focus put into the skull in SPECT, a lesion
put into white matter in T2, and a PET that is mirrored: once in the papers' colours and without a
check, once in legible colours with it. Writes one PNG, with the sentences of the program below.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from training.case_study.heads import write_heads
from training.case_study.looks import look_at
from training.case_study.picture import write_picture_of
from training.refusals import refusals


@refusals()
def main(
    picture: Annotated[Path, typer.Option(help="PNG to write.")] = Path("docs/cases.png"),
    voxel_mm: Annotated[float, typer.Option(min=1, max=6, help="Of the slices of 4 mm.")] = 2.0,
) -> None:
    """Draw cases before and after."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        cases = write_heads(folder, voxel_mm)
        console = Console(stderr=True)
        looks = [look_at(case, folder) for case in track(cases, "Fusing", console=console)]
    write_picture_of(picture, looks)
    typer.echo(str(picture))


if __name__ == "__main__":
    typer.run(main)
