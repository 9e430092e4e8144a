"""Measure lost lesions: put into one source only, are they still there in the fused picture?

    python -m training.lesions --pairs FOLDER --templates FOLDER --mr-mr FOLDER \
      --weights default=pixel_weights --weights former=mactfusion_plus \
      --weights published=mactfusion_ctmri.pt

Disks, lines and pixels (:data:`mactfusion.trust.lesions.LESIONS`) are put at random places inside
the head into one source at a time; a lesion is *lost* where what it changes in the contrast of the
fused luminance with its ring is below 30 % of what it changes in the source as scaled to [0, 1].

The folder of pairs has the layout ``TASK/{train,test}/MODALITY/NAME.png``; without ``--part test``
its test pairs are not looked at. That of templates holds the volumes of
:mod:`training.template_volumes`; that of MR ``T1.nii.gz`` and ``FLAIR.nii.gz`` of one patient.
Volumes are scaled whole, and their fused slices steadied, as the recipe does. Networks get slices
in [0, 1], and what they give is clipped to that; ``NAME=MODEL`` and ``{task}`` in ``NAME=FILE``
are as in :mod:`training.compare`. Pixel maximum, pixel average and alpha blending always take part.

Writes the tables between the markers of ``--page`` (default docs/lost_lesions.md), and the counts
into a CSV of the same name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from mactfusion.errors import InputError
from training.compare import name_checkpoints
from training.lesion_study.measure import measure
from training.lesion_study.methods import RULES, read_methods
from training.lesion_study.page import lesion_tables, summed, write_csv
from training.lesion_study.sources import (
    mr_slices,
    picture_pairs,
    template_slices,
    template_slices_on_ct,
)
from training.marked_page import Markers, around_markers, write_between_markers
from training.refusals import refusals

if TYPE_CHECKING:
    from training.lesion_study.sources import SlicePair

MARKERS = Markers("<!-- lost lesions begin -->", "<!-- lost lesions end -->")
SLICES_OF_A_PAIR = 8
"""Evenly spaced."""
PARTS = ("train", "test")


@refusals()
def main(
    pairs: Annotated[Path | None, typer.Option(help="Folder of pairs of pictures.")] = None,
    templates: Annotated[Path | None, typer.Option(help="Folder of an average head.")] = None,
    templates_on_ct: Annotated[Path | None, typer.Option(help="The same, PET on the CT.")] = None,
    mr_mr: Annotated[Path | None, typer.Option(help="Folder with T1 and FLAIR.")] = None,
    weights: Annotated[list[str] | None, typer.Option(help="NAME=FILE or NAME=MODEL.")] = None,
    part: Annotated[str, typer.Option(help="Of the pairs: train or test.")] = "train",
    places: Annotated[int, typer.Option(min=1, help="Of each lesion in each kind of pair.")] = 120,
    seed: Annotated[int, typer.Option(help="Of the places.")] = 0,
    page: Annotated[Path, typer.Option(help="For the tables.")] = Path("docs/lost_lesions.md"),
) -> None:
    """Measure which lesions are lost."""
    files = name_checkpoints(weights or [], RULES)
    if part not in PARTS:
        raise InputError(f"--part takes {' or '.join(PARTS)}, not '{part}'.")
    around_markers(page, MARKERS)  # refused before the long work, not after
    found: list[SlicePair] = []
    if pairs:
        found += picture_pairs(pairs, part, SLICES_OF_A_PAIR)
    if templates:
        found += template_slices(templates, SLICES_OF_A_PAIR)
    if templates_on_ct:
        found += template_slices_on_ct(templates_on_ct, SLICES_OF_A_PAIR)
    if mr_mr:
        found += mr_slices(mr_mr, SLICES_OF_A_PAIR)
    if not found:
        raise InputError("Give --pairs, --templates, --templates-on-ct or --mr-mr.")
    methods = read_methods(files, dict.fromkeys(pair.task for pair in found))
    each = -(-places // SLICES_OF_A_PAIR)
    rng = np.random.default_rng(seed)
    cells = summed(
        measured
        for pair in track(found, "Measuring", console=Console(stderr=True))
        for measured in measure(pair, methods[pair.task], each, rng)
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    write_between_markers(page, MARKERS, lesion_tables(cells), "# Lost lesions\n\n")
    write_csv(page.with_suffix(".csv"), cells)
    typer.echo(str(page))


if __name__ == "__main__":
    typer.run(main)
