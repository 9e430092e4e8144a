"""Make pairs to train and test on from a folder of GFP and phase contrast.

    python -m training.gfp_pairs FOLDER --output PAIRS [--train 16]

FOLDER holds ``GFP/STEM-g.jpg`` and ``PCI/STEM-t.jpg`` (phase contrast); pairs of unequal sizes are
left out. PAIRS gets ``GFP-PC/{train,test}/{PC,GFP}/NAME.png``. Every fourth pair is a test pair;
of the others all, or as many evenly spaced ones as ``--train`` says, are training pairs. A pair is
a case: NAME is its number among all, in the order of the stems, and 001.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image

from mactfusion.errors import InputError
from training.comparison.scores import evenly_spaced
from training.generalisation.kinds import all_gfp_pairs
from training.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

TEST_EVERY = 4


@refusals()
def main(
    folder: Annotated[Path, typer.Argument(help="Folder with GFP and PCI.")],
    output: Annotated[Path, typer.Option(help="For the pairs; a new folder.")],
    train: Annotated[int | None, typer.Option(min=1, help="Training pairs; without, all.")] = None,
) -> None:
    """Make pairs of phase contrast and GFP."""
    pairs, unequal = all_gfp_pairs(folder)
    if output.exists():
        raise InputError(f"{output} exists already; give a new folder.")
    numbered = list(enumerate(pairs, start=1))
    parts = {
        "train": [entry for entry in numbered if entry[0] % TEST_EVERY],
        "test": [entry for entry in numbered if not entry[0] % TEST_EVERY],
    }
    if train is not None:
        chosen = evenly_spaced(len(parts["train"]), train)
        parts["train"] = [parts["train"][index] for index in chosen]
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent) as temporary:
        made = Path(temporary) / "made"  # whole or not at all
        for part, entries in parts.items():
            for number, pair in entries:
                _write(pair, made / "GFP-PC" / part, f"{number}001.png")
        made.rename(output)
    said = ", ".join(f"{part} {len(own)}" for part, own in parts.items())
    typer.echo(f"{output / 'GFP-PC'}: {said}; left out for unequal sizes: {unequal}")


def _write(pair: Sequence[Path], folder: Path, name: str) -> None:
    for kind, source in zip(("PC", "GFP"), pair, strict=True):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        try:
            with Image.open(source) as picture:
                picture.load()
        except OSError as error:
            raise InputError(f"{source} is not a readable picture; copy it again.") from error
        picture.save(folder / kind / name)


if __name__ == "__main__":
    typer.run(main)
