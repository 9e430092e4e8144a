"""Measure how well uptake is read from colours, ``ycbcr`` beside ``legible``.

    python -m training.colors --templates FOLDER --atlas FOLDER

Fuses an average head (the volumes of :mod:`training.template_volumes`), the synthetic head of
``mactfusion demo``, and stacks of atlas slices whose luminance is taken as a scalar, each with the
recipe's own windows and tables; see :mod:`training.color_study.measure` for what is measured.

Writes the tables between the markers of ``--page`` (default docs/colors.md), and beside it the
pictures ``colors.png``, of the synthetic head alone, and ``color_tables.png``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from mactfusion.transforms.color_names import COLORS
from training.color_study.cases import atlas_cases, phantom_cases, template_cases
from training.color_study.measure import readability
from training.color_study.page import case_tables, promise_table
from training.color_study.pictures import write_cases, write_tables
from training.marked_page import Markers, around_markers, write_between_markers
from training.refusals import refusals

if TYPE_CHECKING:
    from training.color_study.cases import Shown

CASES = Markers("<!-- colors begin -->", "<!-- colors end -->")
TABLES = Markers("<!-- color tables begin -->", "<!-- color tables end -->")
SLICES_OF_A_STACK = 12


@refusals()
def main(
    templates: Annotated[Path | None, typer.Option(help="Folder of an average head.")] = None,
    atlas: Annotated[Path | None, typer.Option(help="Folder of pairs of pictures.")] = None,
    part: Annotated[str, typer.Option(help="Of the pairs: train or test.")] = "train",
    page: Annotated[Path, typer.Option(help="For the tables.")] = Path("docs/colors.md"),
    picture: Annotated[Path | None, typer.Option(help="Also of all cases, a PNG.")] = None,
) -> None:
    """Measure what colours say."""
    for markers in (CASES, TABLES):
        around_markers(page, markers)  # refused before the long work, not after
    phantoms = list(phantom_cases())
    cases: list[Shown] = [*phantoms]
    if templates:
        cases += template_cases(templates)
    if atlas:
        cases += atlas_cases(atlas, part, SLICES_OF_A_STACK)
    found = {
        (shown.name, colors): readability(shown, colors)
        for shown in track(cases, "Measuring", console=Console(stderr=True))
        for colors in reversed(COLORS)
    }
    write_between_markers(page, CASES, case_tables(found))
    write_between_markers(page, TABLES, promise_table())
    write_cases(page.with_name("colors.png"), phantoms)
    if picture:
        write_cases(picture, cases)
    write_tables(page.with_name("color_tables.png"))
    typer.echo(str(page))


if __name__ == "__main__":
    typer.run(main)
