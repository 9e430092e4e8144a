"""Train and score the ablations of the four papers, each with the same small budget.

    python -m training.ablations DATA --output runs/ablations
    python -m training.ablations DATA --study cminet --variant full --variant inter-only

DATA has the layout of the public Whole Brain Atlas folder. ``training.ablation.studies`` says what
there is to run. Each training is the bundle's own, in a process of its own, and writes into
``OUTPUT/STUDY/VARIANT``: ``model.pt``, the last averaged weights; ``training.json``, what they were
trained with; ``training.log``. The test pairs are fused into ``fused`` there, and their means kept
in ``scores.json``. What is complete is not done again, what was interrupted goes on, and what was
trained with other options, configurations or pairs is moved aside, to ``OUTPUT/STUDY/VARIANT.1`` or
the next free number, and trained again; a change of code is not noticed.

``--study`` and ``--variant`` let several processes share the work; a training that studies share
(those of DILRAN one, those of MACTFusion another) belongs into one of them.

Writes the tables between the markers of ``ablations.md`` in ``--folder`` (default docs), from all
that was scored so far.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.evaluation.score import available_cores
from training.ablation.page import HEAD, ablations_page
from training.ablation.scored import score
from training.ablation.studies import choose_entries
from training.ablation.trained import Budget, Data, check_data, train, training_record
from training.comparison.scores import find_pairs
from training.marked_page import Markers, around_markers, write_between_markers
from training.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.ablation.studies import Entry
    from training.comparison.scores import Pair

MARKERS = Markers("<!-- ablations begins -->", "<!-- ablations ends -->")


def find_test_pairs(entries: Sequence[Entry], data: Data, every: int) -> dict[str, list[Pair]]:
    """List every ``every``-th test pair of each task that the entries are scored on.

    Raises:
        InputError: a task has none, or a source is missing.
    """
    found = find_pairs(data.folder, data.split)
    tasks = sorted({task for entry in entries for task in entry.study.tasks})
    by_task = {task: [pair for pair in found if pair.task == task][::every] for task in tasks}
    if missing := [task for task, of_task in by_task.items() if not of_task]:
        raise InputError(f"{data.split} has no test pair of {', '.join(missing)}.")
    return by_task


def write_page(page: Path, output: Path) -> None:
    """Write the tables; a page that is not there yet gets a heading, too.

    Raises:
        InputError: the page has no markers, or a file of scores is damaged.
    """
    write_between_markers(page, MARKERS, ablations_page(output), HEAD)


@refusals()
def main(
    data_folder: Annotated[Path, typer.Argument(metavar="DATA", help="The data folder.")],
    output: Annotated[Path, typer.Option(help="For weights and scores.")] = Path("runs/ablations"),
    study: Annotated[list[str] | None, typer.Option(help="Only these; all without.")] = None,
    variant: Annotated[list[str] | None, typer.Option(help="Only these of the studies.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of each training.")] = 400,
    crop: Annotated[int, typer.Option(min=16, help="Edge of the crops, in pixels.")] = 96,
    batch_size: Annotated[int, typer.Option(min=1, help="Crops a step.")] = 2,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-8, help="That of each configuration without.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights and crops.")] = 1,
    every: Annotated[int, typer.Option(min=1, help="Score every Nth test pair of a task.")] = 1,
    split: Annotated[Path | None, typer.Option(help="Split file; the public one without.")] = None,
    vgg_weights: Annotated[
        Path | None, typer.Option(help="Of VGG16, for the perceptual term of DILRAN.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="For ablations.md.")] = Path("docs"),
    page_only: Annotated[bool, typer.Option(help="Write the page, train nothing.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that score.")] = available_cores(),
) -> None:
    """Train and score the ablations of the four papers with a small, equal budget."""
    page = folder / "ablations.md"
    around_markers(page, MARKERS)  # refused before the long work, not after
    chosen = choose_entries(study or [], variant or [])
    if not page_only:
        split = split or bundle_root() / "splits" / "public.json"
        data = Data(data_folder, split, vgg_weights)
        budget = Budget(steps, crop, batch_size, seed, learning_rate)
        run(chosen, budget, data, output, page, every=every, jobs=jobs)
    write_page(page, output)
    typer.echo(str(page))


def run(
    chosen: Sequence[Entry],
    budget: Budget,
    data: Data,
    output: Path,
    page: Path,
    *,
    every: int = 1,
    jobs: int = 1,
) -> None:
    """Train and score variants one after the other; the page follows each.

    One that fails does not stop those after it, nor does a page that cannot be written: hours of
    work may follow.

    Raises:
        InputError: the data lack what is needed, a variant failed, or the page did to the last.
    """
    console = Console(stderr=True, soft_wrap=True)
    pairs = find_test_pairs(chosen, data, every)
    for entry in chosen:
        check_data(entry.trained, data)
    if data.vgg and not data.vgg.is_file():
        raise InputError(f"{data.vgg} does not exist; give the weights of VGG16, or none.")
    failed: dict[str, InputError] = {}
    for number, entry in enumerate(chosen, start=1):
        if entry.variant.needs_vgg and not data.vgg:
            console.print(f"{entry.name} is left out: it needs --vgg-weights.")
            continue
        trained = output / entry.trained.name
        own = [pair for task in entry.study.tasks for pair in pairs[task]]
        console.print(f"{number} of {len(chosen)}: {entry.name}")
        try:
            record = training_record(entry.trained, budget, data)
            train(entry.trained, record, data, trained)
            score(entry.scored, trained, record, own, output / entry.scored.name, jobs)
        except InputError as error:
            console.print(f"{entry.name} failed: {error}", markup=False)
            failed[entry.name] = error
        failed.pop(str(page), None)  # only the last page counts
        try:
            write_page(page, output)
        except InputError as error:
            console.print(f"{page} is not written: {error}", markup=False)
            failed[str(page)] = error
    if failed:
        reason = next(iter(failed.values()))
        raise InputError(f"{', '.join(failed)} failed; the first because: {reason}")


if __name__ == "__main__":
    typer.run(main)
