"""Measure what one weight a picture can reach: mixtures of both sources, the best for each metric.

    python -m training.mixtures DATA

The published rule of DILRAN gives each source one weight for a whole slice, and its decoder is
linear: what it fuses is about such a mixture. DATA is the public Whole Brain Atlas folder. Prints a
table: of each task the mean over the test pairs, where each metric of each picture is that of its
own best of eleven weights, about the best that a rule with one weight can reach (a decoder that is
trained adds a little); and the pixel maximum beside it.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (the command line reads the annotations)
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from mactfusion.evaluation.score import available_cores, score_slices
from mactfusion.metrics import RANKING
from training.comparison.scores import find_pairs, pixel_maximum, read_sources
from training.five_metrics import mean_scores
from training.refusals import refusals
from training.tables import means_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.comparison.scores import Pair

WEIGHTS = np.linspace(0, 1, 11)
"""Of the anatomical source; the partner has the rest."""


def best_mixtures(pairs: Sequence[Pair], jobs: int = 1) -> dict[str, float]:
    """Mean over pairs of each of the five metrics, each at its own best weight.

    Raises:
        InputError: a source cannot be read, or a metric is not defined for it.
    """
    sources = [(pair.name, read_sources(pair)) for pair in pairs]
    mixtures = (
        (name, (np.round(weight * a + (1 - weight) * b), a, b))
        for name, (a, b) in sources
        for weight in WEIGHTS
    )
    scores = list(score_slices(list(RANKING), mixtures, jobs))
    return {
        metric: float(
            np.reshape([values[metric] for values in scores], (len(pairs), -1)).max(1).mean()
        )
        for metric in RANKING
    }


@refusals()
def main(
    folder: Annotated[Path, typer.Argument(metavar="DATA", help="The data folder.")],
    split: Annotated[
        Path | None, typer.Option(help="Split file; the test folders without.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that score.")] = available_cores(),
) -> None:
    """Measure the best that one weight a picture can reach."""
    found = find_pairs(folder, split)
    means = {}
    for task in dict.fromkeys(pair.task for pair in found):
        pairs = [pair for pair in found if pair.task == task]
        means[f"best mixtures, {task}"] = best_mixtures(pairs, jobs)
        sources = ((pair.name, read_sources(pair)) for pair in pairs)
        maximum = ((name, (pixel_maximum(a, b), a, b)) for name, (a, b) in sources)
        means[f"pixel maximum, {task}"] = mean_scores(maximum, jobs)
    typer.echo(means_table("method", means))


if __name__ == "__main__":
    typer.run(main)
