"""``mactfusion study``: which of several fused images readers prefer."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer looks it up)
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from mactfusion.amounts import counted
from mactfusion.cli.evaluate import check_csv
from mactfusion.cli.screen import caution, progress_console, show, tell
from mactfusion.errors import InputError, listening
from mactfusion.io.names import check_apart, check_place
from mactfusion.progress import progress_bar
from mactfusion.report.names import check_report

if TYPE_CHECKING:
    from mactfusion.study.score import Scores

study = typer.Typer(help="Let readers choose among fused images, and count what they choose.")

LARGE_PAGE = 50 * 2**20
"""Bytes from which a page is slow to send and to open."""

_OVERWRITE = typer.Option("--overwrite", help="Replace existing files.")
_QUIET = typer.Option("--quiet", help="Print errors only.")


@study.command()
def make(
    pairs: Annotated[
        Path,
        typer.Argument(
            help="Folder with TASK/MODALITY/NAME, such as CT-MRI/CT/1.png and CT-MRI/MRI/1.png; or "
            "a .csv table with task, anatomical, partner, and perhaps name and slice."
        ),
    ],
    methods: Annotated[
        list[str],
        typer.Argument(
            help="Two to nine: folders of fused images (TASK/NAME), or networks of 'mactfusion "
            "models', which then fuse the pairs."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page, an .html file.")],
    questions: Annotated[
        Path | None, typer.Option(help="What readers are asked, in YAML or JSON.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Of the order that each reader sees.")
    ] = 0,
    overwrite: Annotated[bool, _OVERWRITE] = False,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Make a page that shows fused images blinded, and the key to it."""
    from mactfusion.study.key import key_path
    from mactfusion.study.methods import find_methods
    from mactfusion.study.pairs import find_pairs
    from mactfusion.study.questions import DEFAULT, read_questions

    check_report(output, overwrite)
    key = key_path(output)
    check_place(key, overwrite, f"The key {key} cannot be written")
    check_apart({"page": output, "key": key}, {"table of pairs": pairs, "questions": questions})
    asked = read_questions(questions or DEFAULT)
    found = find_pairs(pairs)
    compared = find_methods(methods, found)
    if not quiet:
        for method in compared:
            for task in dict.fromkeys(pair.task for pair in found if not method.shows(pair)):
                caution(
                    f"{method.name} has nothing of {task}, so that readers do not see it there."
                )

    from mactfusion.study.make import make_study

    said: set[str] = set()

    def say(sentence: str) -> None:
        if not quiet and sentence not in said:  # the pairs of a study give cause for the same
            said.add(sentence)
            caution(sentence)

    with (
        listening(say),
        progress_bar(progress_console(), output.name, quiet, "cases") as progress,
    ):
        made = make_study(
            found, compared, output, key, questions=asked, seed=seed, progress=progress
        )
    if not quiet:
        if made.bytes > LARGE_PAGE:
            caution(f"{output} has {made.bytes / 2**20:.0f} MB and opens slowly.")
        tell(
            f"{output}: {counted(made.cases, 'case')}, {made.images} images to choose from, "
            f"{made.bytes / 2**20:.1f} MB. Give it to readers, and keep {key} from them."
        )


@study.command()
def score(
    answers: Annotated[
        list[Path], typer.Argument(help="Files that readers saved from the page, one a reader.")
    ],
    key: Annotated[Path, typer.Option(help="What 'study make' wrote beside the page.")],
    report: Annotated[Path | None, typer.Option(help="Also write an HTML report.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write a table, one line a method and task.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Also write all numbers.")] = None,
    overwrite: Annotated[bool, _OVERWRITE] = False,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Count what readers chose: shares, strengths and agreement."""
    from mactfusion.study.answers import read_answers
    from mactfusion.study.key import read_key

    if report is not None:
        check_report(report, overwrite)
    if csv is not None:
        check_csv(csv, overwrite)
    if json is not None:
        check_json(json, overwrite)
    outputs = {"report": report, "table": csv, "file of numbers": json}
    check_apart(
        {what: path for what, path in outputs.items() if path is not None},
        {"key": key} | {f"file of answers {place}": path for place, path in enumerate(answers, 1)},
    )
    known = read_key(key)
    read = read_answers(answers, known)

    from mactfusion.study.score import score_study

    scores = score_study(known, read)
    if csv is not None or json is not None:
        from mactfusion.study.table import write_csv, write_json

        if csv is not None:
            write_csv(csv, scores)
        if json is not None:
            write_json(json, scores)
    if report is not None:
        from mactfusion.study.report import write_score_report

        write_score_report(report, scores)
    if not quiet:
        show_scores(scores)


def check_json(path: Path, overwrite: bool) -> None:
    """Refuse the name of a file of numbers before the work begins.

    Raises:
        InputError: no ``.json`` name, a folder that cannot be made, or a file of that name and no
            ``overwrite``.
    """
    if path.suffix.lower() != ".json":
        raise InputError(f"The numbers {path} must have a name that ends in .json.")
    check_place(path, overwrite, f"The numbers {path} cannot be written")


def show_scores(scores: Scores) -> None:
    """Print a table for each question that chooses an image, and how far readers agree."""
    for reader, cases in scores.left_out.items():
        caution(
            f"Reader {reader} is not counted: {counted(cases, 'case')} without an "
            "answer that is required."
        )
    for choice in scores.choices:
        for part, tally in choice.tallies.items():
            extent = f"{part}: {counted(tally.cases, 'case')}, {counted(tally.readers, 'reader')}"
            table = Table("method", title=f"{escape(choice.text)}\n{extent}")
            for column in ("chosen", "of", "share", "95 % interval", "strength", "95 % interval"):
                table.add_column(column, justify="right")
            for one in sorted(tally.methods, key=lambda one: -one.share):
                table.add_row(
                    escape(one.method),
                    f"{one.chosen}",
                    f"{one.offered}",
                    f"{100 * one.share:.1f} %",
                    "{:.1f} to {:.1f} %".format(*(100 * bound for bound in one.share_interval)),
                    "" if one.strength is None else f"{one.strength:.3f}",
                    _bounds(one.strength_interval),
                )
            show(table)
            if tally.kappa is not None:
                interval = f" ({_bounds(tally.kappa_interval)})" if tally.kappa_interval else ""
                tell(f"Fleiss' kappa: {tally.kappa:.3f}{interval}")
    tell("A preference is no diagnostic accuracy.")


def _bounds(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else "{:.3f} to {:.3f}".format(*interval)
