"""Measure how well the check of a fused picture tells what was lost.

    python -m training.check --pairs FOLDER --templates FOLDER --mr-mr FOLDER \
      --weights default=pixel_weights --weights published=mactfusion_ctmri.pt --seldom published

Lesions (:data:`mactfusion.trust.lesions.LESIONS`) are put at random places inside the head into one
source at a time, as :mod:`training.lesions` does, but a partner that gets its colours from a table
gets the lesion before that. Both are fused, coloured as the recipe does, and turned into lightness
and colour as a person sees them; a lesion is *lost* where what it changes there is below 30 % of
what it changes in the lightness of its source. Then the picture with the lesion alone is checked
(:mod:`mactfusion.structure.marks`), which knows nothing of the lesion; it is *flagged* where 35 %
of it is marked.

Every second pair of slices is there to set thresholds by, the others are reported. What was
measured lies in ``--cache``, a file for each pair and method, and is not measured again: give
another folder where code or data have changed.

Writes the tables between the markers of ``--page`` (default docs/trust.md).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from training.check_study.controls import Control, controls
from training.check_study.measure import Judged, judge
from training.check_study.page import tables
from training.check_study.pairs import head_pairs, picture_pairs, volume_pairs
from training.compare import name_checkpoints
from training.lesion_study.methods import RULES, read_methods
from training.marked_page import Markers, around_markers, write_between_markers
from training.refusals import refusals
from training.template_volumes import template_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from training.check_study.pairs import CheckedPair

MARKERS = Markers("<!-- check begins -->", "<!-- check ends -->")
SELDOM = 12
"""Of so many pairs one is measured with methods that are slow."""
DEFAULT = "default"


@refusals()
def main(
    pairs: Annotated[Path | None, typer.Option(help="Folder of pairs of pictures.")] = None,
    templates: Annotated[Path | None, typer.Option(help="Folder of an average head.")] = None,
    mr_mr: Annotated[Path | None, typer.Option(help="Folder with T1 and FLAIR.")] = None,
    heads: Annotated[int, typer.Option(min=0, help="Synthetic heads.")] = 2,
    weights: Annotated[list[str] | None, typer.Option(help="NAME=FILE or NAME=MODEL.")] = None,
    seldom: Annotated[
        list[str] | None, typer.Option(help="Slow methods, for every twelfth pair alone.")
    ] = None,
    count: Annotated[int, typer.Option(min=2, help="Slices of each kind of pair.")] = 14,
    places: Annotated[int, typer.Option(min=1, help="In each slice, at most.")] = 8,
    part: Annotated[str, typer.Option(help="Of the pairs: train or test.")] = "train",
    cache: Annotated[Path, typer.Option(help="For what was measured.")] = Path("runs/check"),
    page: Annotated[Path, typer.Option(help="For the tables.")] = Path("docs/trust.md"),
) -> None:
    """Measure which lost lesions the check finds."""
    files = name_checkpoints(weights or [], RULES)
    around_markers(page, MARKERS)  # refused before the long work, not after
    found: list[CheckedPair] = []
    if pairs:
        found += picture_pairs(pairs, part, count)
    if templates:
        for task, volumes in template_pairs(templates).items():
            found += volume_pairs(*volumes, task, count)
    if mr_mr:
        volumes = (mr_mr / "T1.nii.gz", mr_mr / "FLAIR.nii.gz")
        found += volume_pairs(*volumes, "mr-mr", 2 * count)
    if heads:
        found += head_pairs(heads, -(-count // heads))
    if not found:
        raise InputError("Give --pairs, --templates, --mr-mr or --heads.")
    methods = read_methods(files, dict.fromkeys(pair.task for pair in found))
    judged: list[Judged] = []
    known: list[Control] = []
    for number, pair in enumerate(track(found, "Measuring", console=Console(stderr=True))):
        half, own = number % 2, methods[pair.task]
        for name, method in own.items():
            # Of the seldom pairs both halves have some.
            if name in (seldom or []) and number % (2 * SELDOM) >= 2:
                continue
            file = cache / f"{number:04d}-{name}.json"

            measure = partial(judge, pair, half, {name: method}, places, number)
            judged += [Judged(**one) for one in _kept(file, measure)]
        if DEFAULT in own:
            other = found[number - 1 if number and found[number - 1].task == pair.task else number]
            measure_known = partial(controls, pair, other, half, own[DEFAULT], number)
            file = cache / f"{number:04d}.json"
            known += [Control(**one) for one in _kept(file, measure_known)]
    write_between_markers(page, MARKERS, tables(judged, known), "# What was lost\n\n")
    typer.echo(str(page))


def _kept(file: Path, measure: Callable[[], Iterable[Any]]) -> Iterator[dict[str, Any]]:
    """Read what was measured before, or measure it."""
    if not file.exists():
        found = [asdict(one) for one in measure()]
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps(found), encoding="utf-8")
    yield from json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    typer.run(main)
