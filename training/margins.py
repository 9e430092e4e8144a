"""What networks are ahead of another on pairs unseen: the rule by which choices are made.

    python -m training.margins runs/fold-1/scores.csv runs/fold-2/scores.csv --former former

Each file is the ``scores.csv`` of :mod:`training.compare`. A margin is the difference of the means
over the pairs of a task, over the files, in steps of the metric (:data:`STEPS`). Of every method
prints the margins of all tasks and metrics and the smallest of them; the method whose smallest is
largest comes first. ``docs/training.md`` says what follows from that.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path  # noqa: TC003  (the command line reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer

from mactfusion.errors import InputError
from mactfusion.metrics import RANKING
from training.refusals import refusals
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STEPS = {"SCD": 0.05, "MS_SSIM": 0.005, "Qabf": 0.01, "Qw": 0.005, "VIF": 0.03}
"""Of each metric, a difference that is about as hard to reach as that of the others."""
Figures = dict[tuple[str, str], float]
"""Task and metric to a number."""


def read_means(files: Sequence[Path]) -> dict[str, Figures]:
    """Read the means of each method: of a file over its pictures, then over the files.

    Raises:
        InputError: a file cannot be read, or lacks a column.
    """
    found: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        pictures: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        try:
            with file.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines):
                    for metric in RANKING:
                        pictures[row["method"], row["task"], metric].append(float(row[metric]))
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{file} is no scores.csv of training.compare: {error}.") from error
        for (method, task, metric), values in pictures.items():
            found[method][task, metric].append(sum(values) / len(values))
    return {
        method: {key: sum(values) / len(values) for key, values in own.items()}
        for method, own in found.items()
    }


def margins(means: Mapping[str, Figures], former: str) -> dict[str, Figures]:
    """Return what each method is ahead of ``former``, in steps; the best by the rule first.

    Raises:
        InputError: there is no method of that name.
    """
    if former not in means:
        raise InputError(f"There is no method '{former}': choose {', '.join(means)}.")
    ahead = {
        name: {key: (own[key] - means[former][key]) / STEPS[key[1]] for key in means[former]}
        for name, own in means.items()
        if name != former
    }
    return dict(sorted(ahead.items(), key=lambda entry: -min(entry[1].values())))


def margins_table(ahead: Mapping[str, Figures]) -> str:
    """Tabulate margins, a line for each method and task."""
    rows = []
    for name, own in ahead.items():
        smallest = min(own, key=lambda key: own[key])
        for task in dict.fromkeys(task for task, _ in own):
            least = f"{own[smallest]:+.2f}" if task == smallest[0] else ""
            rows.append([name, task, *(f"{own[task, m]:+.2f}" for m in RANKING), least])
    return markdown_table(("method", "task", *RANKING, "smallest of all"), rows)


@refusals()
def main(
    files: Annotated[list[Path], typer.Argument(metavar="SCORES...", help="scores.csv, or more.")],
    former: Annotated[str, typer.Option(help="The method to be ahead of.")] = "former",
) -> None:
    """Print what networks are ahead of another, in steps."""
    typer.echo(margins_table(margins(read_means(files), former)))


if __name__ == "__main__":
    typer.run(main)
