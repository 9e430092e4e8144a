"""Measure whether a reader finds lesions, in the sources and in what is made of them.

    python -m training.observer --templates FOLDER --mr-mr FOLDER --published FILE

Lesions (:data:`mactfusion.trust.lesions.LESIONS`) are put at random places into one source at a
time: of synthetic heads, and where their folders are given of an average head as MR, CT, PET and
SPECT (names in :mod:`training.template_volumes`) and of ``T1.nii.gz`` and ``FLAIR.nii.gz`` of one
patient. A channelised Hotelling observer with Gabor channels and noise of its own knows the place
and tells whether there is one. It learns from other heads than those that it is asked about.

Writes the tables between the markers of ``--page`` (default docs/observer.md), and all figures into
a CSV of the same name. What networks gave is kept in ``--keep``: a run that was stopped goes on
where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from mactfusion.networks.registry import DEFAULT_MODEL
from training.lesion_study.measure import CHANNELS
from training.marked_page import Markers, around_markers, write_between_markers
from training.observer.gather import gather
from training.observer.heads import PHANTOM_PARTNERS, mr_heads, phantom_heads, template_heads
from training.observer.kept import read_networks
from training.observer.page import Results, tables, write_csv
from training.observer.pictures import FUSED, IN_COLORS_OF_PAPERS
from training.observer.study import find
from training.refusals import refusals

if TYPE_CHECKING:
    from training.observer.heads import Head
    from training.observer.study import Found

MARKERS = Markers("<!-- observer begins -->", "<!-- observer ends -->")
HEADING = "# Can a reader find a lesion\n\n"
PUBLISHED = "published"
WITH_WEIGHTS_OF_AUTHORS = ("ct-mri",)


@refusals()
def main(
    templates: Annotated[Path | None, typer.Option(help="Folder of an average head.")] = None,
    mr_mr: Annotated[Path | None, typer.Option(help="Folder with T1 and FLAIR.")] = None,
    published: Annotated[Path | None, typer.Option(help="The authors' weights, for CT.")] = None,
    heads: Annotated[int, typer.Option(min=5, help="Synthetic ones of each pair.")] = 12,
    slices: Annotated[int, typer.Option(min=1, help="Of each volume.")] = 20,
    places: Annotated[int, typer.Option(min=1, help="In each slice, at most.")] = 12,
    draws: Annotated[int, typer.Option(min=20, help="Samples for the intervals.")] = 500,
    seed: Annotated[int, typer.Option(help="Of heads, places and samples.")] = 0,
    page: Annotated[Path, typer.Option(help="For the tables.")] = Path("docs/observer.md"),
    keep: Annotated[Path, typer.Option(help="For what networks give.")] = Path("runs/observer"),
) -> None:
    """Measure how well a model observer finds lesions."""
    around_markers(page, MARKERS)  # refused before the long work, not after
    ours = {FUSED: DEFAULT_MODEL}
    theirs = {PUBLISHED: str(published)} if published else {}
    networks = {
        task: read_networks(ours | (theirs if task in WITH_WEIGHTS_OF_AUTHORS else {}), task, keep)
        for task in PHANTOM_PARTNERS
    }
    given: list[Head] = []
    if templates:
        given += template_heads(templates, slices)
    if mr_mr:
        given += mr_heads(mr_mr, slices)
    found: list[Found] = []
    for task in PHANTOM_PARTNERS:
        rng = np.random.default_rng([seed, list(CHANNELS).index(task)])
        of_task = [*phantom_heads(task, heads, seed), *(h for h in given if h.task == task)]
        looked_at = track(of_task, f"Looking at {task}", console=Console(stderr=True))
        responses = gather(looked_at, networks[task], places, rng)
        found += find(task, responses, draws, rng)
    results = Results(found, (FUSED, IN_COLORS_OF_PAPERS))
    write_between_markers(page, MARKERS, tables(results), HEADING)
    write_csv(page.with_suffix(".csv"), found)
    typer.echo(str(page))


if __name__ == "__main__":
    typer.run(main)
