"""Compare fusion methods on test pairs: tables, significance, cost, figures.

    python -m training.compare PAIRS METHODS... --weights ours=pixel_weights

PAIRS has the layout ``TASK/test/MODALITY/NAME.png``. METHODS are folders: of one method
(``TASK/NAME.png``, called by the folder's name), or of several such folders. A checkpoint is fused
here, ``--weights NAME=FILE`` or ``NAME=MODEL``: in evaluation mode, clipped, rounded to 8 bits, and
its shift consistency is measured (``--shift-pairs 6``: on six pairs of a task). Pixel average and
pixel maximum always take part.

Writes into ``--folder`` (default docs), between the markers of two pages: the first methods of each
task into ``results.md``, all tables into ``all_scores.md``; and ``scores.csv`` (every picture),
``significance.csv``, ``boxes-TASK.png`` and ``ranks.png``. Sheets of pictures go where ``--sheets``
says; they show the data, whose licence decides where they may go.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mactfusion.errors import InputError
from mactfusion.evaluation.score import available_cores
from training.comparison.checkpoints import Cost, fuse_pairs
from training.comparison.figures import draw_boxes, draw_ranks, draw_sheets
from training.comparison.pages import comparison_page, first_tables, write_scores, write_tests
from training.comparison.scores import BASELINES, Method, find_pairs, score_methods
from training.marked_page import Markers, around_markers, write_between_markers
from training.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Container

CACHE = Path("runs/compare")
MARKERS = Markers("<!-- comparison begins -->", "<!-- comparison ends -->")


def find_methods(folders: list[Path], tasks: set[str]) -> dict[str, Method]:
    """Name to folder, for folders of one method and folders of several.

    Raises:
        InputError: a folder holds no method, or two methods have one name.
    """
    methods: dict[str, Method] = {}
    for folder in map(Path.resolve, folders):
        inside = sorted(path for path in folder.glob("*") if path.is_dir())
        one = any((folder / task).is_dir() for task in tasks)
        found = [folder] if one else [p for p in inside if any((p / t).is_dir() for t in tasks)]
        if not found:
            raise InputError(f"{folder} holds no fused pictures; expected TASK/NAME.png.")
        for path in found:
            if path.name in methods:
                raise InputError(f"Two methods are called {path.name}; rename a folder.")
            methods[path.name] = path
    return methods


def read_costs(path: Path) -> dict[str, Cost]:
    """Read ``{NAME: {"params": …, "gflops_2xMAC": …, "cpu_ms_median": …}}``.

    ``tasks_out_of_domain`` may name tasks that a method was not made for.

    Raises:
        InputError: the file cannot be read, or lacks a figure.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Cost(
                int(entry["params"]),
                float(entry["gflops_2xMAC"]),
                float(entry["cpu_ms_median"]),
                tuple(entry.get("tasks_out_of_domain", ())),
            )
            for name, entry in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no readable table of costs: {error}.") from error
    except KeyError as error:
        raise InputError(f"{path} lacks {error} of a method.") from error


def name_checkpoints(weights: list[str], methods: Container[str]) -> dict[str, str]:
    """Name to file, or model, of every ``NAME=FILE`` or ``NAME=MODEL``.

    Raises:
        InputError: not of that form, or two methods have one name.
    """
    files: dict[str, str] = {}
    for entry in weights:
        name, _, file = entry.partition("=")
        if not name or not file:
            raise InputError(f"--weights takes NAME=FILE or NAME=MODEL, not '{entry}'.")
        if name in methods or name in files:
            raise InputError(f"Two methods are called {name}; choose another for {file}.")
        files[name] = file
    return files


@refusals()
def main(
    pairs_folder: Annotated[Path, typer.Argument(metavar="PAIRS", help="The data folder.")],
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[METHODS]...", help="Folders of pictures.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE, where {task} in FILE stands for ct-mri, pet-mri, ...; or NAME=MODEL."
        ),
    ] = None,
    shift_pairs: Annotated[
        int | None, typer.Option(min=1, help="Of a task, for shift consistency; all without.")
    ] = None,
    ours: Annotated[str, typer.Option(help="The method to test against all others.")] = "ours",
    split: Annotated[Path | None, typer.Option(help="Split file; the public one without.")] = None,
    part: Annotated[str, typer.Option(help="Of the folder or split file.")] = "test",
    task: Annotated[list[str] | None, typer.Option(help="Only these, such as CT-MRI.")] = None,
    costs: Annotated[Path | None, typer.Option(help="JSON with size and cost.")] = None,
    folder: Annotated[Path, typer.Option(help="For tables and figures.")] = Path("docs"),
    sheets: Annotated[Path | None, typer.Option(help="Folder for sheets of pictures.")] = None,
    zoom: Annotated[int, typer.Option(min=1, help="Of the sheets.")] = 2,
    cache: Annotated[Path, typer.Option(help="What was fused and scored before.")] = CACHE,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = available_cores(),
) -> None:
    """Compare fusion methods on test pairs."""
    pairs = find_pairs(pairs_folder, split, part)
    if task:
        pairs = [pair for pair in pairs if pair.task in task]
    if not pairs:
        raise InputError(f"{pairs_folder} has no {part} pairs of {', '.join(task or [])}.")
    found = find_methods(folders or [], {pair.task for pair in pairs})
    files = name_checkpoints(weights or [], found)
    methods: dict[str, Method] = {**BASELINES, **found}
    if ours not in {**methods, **files}:
        raise InputError(f"There is no method '{ours}'; name one with --ours.")
    known = read_costs(costs) if costs else {}
    first, page = folder / "results.md", folder / "all_scores.md"
    for each in (first, page):
        around_markers(each, MARKERS)  # refused before the long work, not after
    fused = {
        name: fuse_pairs(file, pairs, cache, shift_pairs=shift_pairs, progress=True)
        for name, file in files.items()
    }
    for name, result in fused.items():
        methods[name] = result.folder
        known[name] = result.cost
    scores = score_methods(methods, pairs, cache, jobs=jobs, progress=True)
    steadiness = {name: result.steadiness for name, result in fused.items()}
    folder.mkdir(parents=True, exist_ok=True)
    tables = comparison_page(scores, ours, known, steadiness)
    write_between_markers(page, MARKERS, tables, "# All scores\n\n")
    tables = first_tables(scores, ours, known, page.name)
    write_between_markers(first, MARKERS, tables, "# Results\n\n")
    write_scores(folder / "scores.csv", scores)
    write_tests(folder / "significance.csv", scores, ours)
    draw_ranks(scores, ours, folder / "ranks.png")
    for name, of_task in scores.items():
        draw_boxes(name, of_task, ours, folder / f"boxes-{name}.png")
        if sheets and ours in of_task:
            draw_sheets(name, of_task, ours, methods, pairs, sheets, zoom)
    typer.echo(str(first))


if __name__ == "__main__":
    typer.run(main)
