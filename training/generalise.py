"""Fuse kinds of images that the networks never saw, and score the results.

    python -m training.generalise --gfp-pc FOLDER --mr-mr FOLDER --templates FOLDER --heads 2 \
      --weights ours=pixel_weights --weights authors=mactfusion_ctmri.pt
    python -m training.generalise --templates-on-ct FOLDER --pictures-on-ct PAIRS --pairs 24 \
      --weights ours=pixel_weights --page docs/pet_ct.md

The folder of GFP holds ``GFP/STEM-g.jpg`` and ``PCI/STEM-t.jpg`` (phase contrast); that of MR holds
``T1.nii.gz``, ``T2.nii.gz`` and ``FLAIR.nii.gz`` of one patient; that of templates the volumes of
:mod:`training.template_volumes`; heads are synthetic. PAIRS
come from :mod:`training.uptake_on_ct`. Everything goes the recipe's own way: the
luminance of GFP, its colours put back; volumes scaled whole, then fused in evenly spaced slices
among those in which both volumes show something. A checkpoint may be one of this project or as its
authors published it; ``NAME=MODEL`` and ``{task}`` in ``NAME=FILE`` are as in
:mod:`training.compare`.

Writes the tables between the markers of ``--page`` (default docs/generalisation.md). The sheets of
pictures show the data, whose licence decides where they may go: ``--sheets``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from mactfusion.errors import InputError
from training.compare import name_checkpoints
from training.comparison.scores import BASELINES
from training.generalisation.examples import fuse, read_networks, score
from training.generalisation.kinds import (
    find_gfp_pairs,
    find_mr_pairs,
    find_pictures_on_ct,
    find_template_pairs,
    find_template_pairs_on_ct,
    make_head_pairs,
)
from training.generalisation.sheet import draw_sheet
from training.marked_page import Markers, around_markers, write_between_markers
from training.refusals import refusals
from training.tables import means_table

MARKERS = Markers("<!-- generalisation begins -->", "<!-- generalisation ends -->")


@refusals()
def main(
    gfp_pc: Annotated[Path | None, typer.Option(help="Folder with GFP and PCI.")] = None,
    mr_mr: Annotated[Path | None, typer.Option(help="Folder with T1, T2 and FLAIR.")] = None,
    templates: Annotated[Path | None, typer.Option(help="Folder of an average head.")] = None,
    templates_on_ct: Annotated[Path | None, typer.Option(help="The same, PET on the CT.")] = None,
    pictures_on_ct: Annotated[Path | None, typer.Option(help="Pairs with CT.")] = None,
    heads: Annotated[int, typer.Option(min=0, help="Synthetic heads.")] = 0,
    weights: Annotated[list[str] | None, typer.Option(help="NAME=FILE or NAME=MODEL.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Of pictures.")] = 8,
    slices: Annotated[int, typer.Option(min=1, help="Of each pair of volumes.")] = 8,
    page: Annotated[Path, typer.Option(help="For the tables.")] = Path("docs/generalisation.md"),
    sheets: Annotated[Path, typer.Option(help="For pictures.")] = Path("runs/generalisation"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes that score.")] = 1,
) -> None:
    """Fuse kinds of images that the networks never saw, and score the results."""
    files = name_checkpoints(weights or [], BASELINES)
    given = (gfp_pc, mr_mr, templates, templates_on_ct, pictures_on_ct, heads)
    if not files or not any(given):
        raise InputError(
            "Give --weights NAME=FILE, and --gfp-pc, --mr-mr, --templates, --templates-on-ct, "
            "--pictures-on-ct or --heads."
        )
    around_markers(page, MARKERS)  # refused before the long work, not after
    work = [find_gfp_pairs(gfp_pc, pairs)] if gfp_pc else []
    work += find_mr_pairs(mr_mr, slices) if mr_mr else []
    work += find_template_pairs(templates, slices) if templates else []
    work += find_template_pairs_on_ct(templates_on_ct, slices) if templates_on_ct else []
    work += find_pictures_on_ct(pictures_on_ct, pairs) if pictures_on_ct else []
    work += make_head_pairs(heads, slices) if heads else []
    networks = {kind.task: read_networks(files, kind.task) for kind in work}
    parts = []
    for kind in work:
        title = f"{kind.headings[0]} with {kind.headings[1]}"
        examples = [
            example
            for anatomical, partner in track(kind.pairs, title, console=Console(stderr=True))
            for example in fuse(anatomical, partner, kind.task, networks[kind.task], slices)
        ]
        parts += [f"### {title}", kind.about, means_table("method", score(examples, jobs))]
        draw_sheet(examples, kind.headings, sheets / f"{title.replace(' ', '-')}.png")
    page.parent.mkdir(parents=True, exist_ok=True)
    write_between_markers(page, MARKERS, "\n\n".join(parts))
    typer.echo(f"{page}, {sheets}")


if __name__ == "__main__":
    typer.run(main)
