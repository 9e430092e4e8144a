"""The HTML report of an evaluation: distributions, profiles, worst cases, significance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from scipy.stats import rankdata

from mactfusion import __version__
from mactfusion.evaluation.figures import box_plot, profile_plot, slice_picture
from mactfusion.evaluation.result import compare
from mactfusion.evaluation.slices import load_slices
from mactfusion.io.page import write_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mactfusion.evaluation.cases import Preparation
    from mactfusion.evaluation.result import CaseScores, Evaluation

TEMPLATE = Path(__file__).with_name("evaluation.html.jinja")
WORST_SHOWN = 6


def write_evaluation_report(
    path: Path,
    evaluation: Evaluation,
    preparation: Preparation,
    against: Evaluation | None = None,
) -> Path:
    """Write one self-contained HTML page; equal arguments and files give an equal page.

    Args:
        path: the HTML file; replaced as a whole when it exists.
        evaluation: the method.
        preparation: what it was evaluated with: the worst slices are read anew.
        against: a second method on the same cases, see
            :func:`mactfusion.evaluation.result.on_common_cases`.

    Raises:
        InputError: the file cannot be written.
    """
    methods = [evaluation] if against is None else [evaluation, against]
    return write_page(
        path,
        TEMPLATE,
        version=__version__,
        methods=[method.method for method in methods],
        unit=evaluation.unit,
        count=len(evaluation.labels),
        axis=evaluation.cases[0].axis,
        summaries=[method.summaries() for method in methods],
        boxes=_boxes(methods),
        profiles=_profiles(methods),
        worst=_worst(evaluation, preparation),
        ranked_by=list(evaluation.larger_is_better),
        comparisons=compare(evaluation, against) if against is not None else None,
        notes=_notes(methods),
        unmatched=sorted({path.name for method in methods for path in method.unmatched}),
    )


def _boxes(methods: list[Evaluation]) -> dict[str, Markup]:
    """Draw one box plot a metric; of one volume none of what is of the volume as a whole."""
    count = len(methods[0].labels)
    return {
        metric: Markup(box_plot({method.method: method.samples(metric) for method in methods}))  # noqa: S704 (Matplotlib's own SVG)
        for metric in methods[0].metrics
        if len(methods[0].samples(metric)) == count
    }


def _profiles(methods: list[Evaluation]) -> dict[str, Markup]:
    """Draw one profile a metric over the slices of all volumes; none for pictures."""
    volumes = [
        (number, scores)
        for number, method in enumerate(methods)
        for scores in method.cases
        if scores.slice_count > 1
    ]
    if not volumes:
        return {}
    axes = sorted({scores.axis for _, scores in volumes})
    return {
        metric: Markup(  # noqa: S704 (Matplotlib's own SVG)
            profile_plot(
                [(number, scores.profile(metric)) for number, scores in volumes], " or ".join(axes)
            )
        )
        for metric in methods[0].cases[0].values
    }


def worst_samples(evaluation: Evaluation) -> list[int]:
    """Return the places of the samples with the worst mean rank, worst first.

    The rank is the mean over ``larger_is_better``; without a metric that has a direction no
    sample is the worst.
    """
    samples = {metric: evaluation.samples(metric) for metric in evaluation.larger_is_better}
    if not samples:
        return []
    mean_rank = _mean_rank(samples, evaluation.larger_is_better)
    return np.argsort(-mean_rank, kind="stable")[:WORST_SHOWN].tolist()


def _mean_rank(
    values: Mapping[str, NDArray[np.float64]], larger_is_better: Mapping[str, bool]
) -> NDArray[np.float64]:
    """Return the rank of every sample (1 is best), mean over the metrics."""
    ranks = [
        rankdata(-values[metric] if larger else values[metric])
        for metric, larger in larger_is_better.items()
    ]
    return np.mean(ranks, axis=0)


def _worst(evaluation: Evaluation, preparation: Preparation) -> list[dict[str, Any]]:
    """Show the worst samples: of a volume among several, its worst slice."""
    shown = []
    for place in worst_samples(evaluation):
        if evaluation.unit == "slice":
            scores, index = evaluation.cases[0], place
        else:
            scores = evaluation.cases[place]
            index = _worst_slice(scores, evaluation)
        slices = load_slices(scores.case, preparation)
        fused, source_a, source_b = slices.pictures(slices.places[index])
        names = ("Anatomical", "Partner") if scores.axis else ("Source A", "Source B")
        pictures = dict(zip((*names, "Fused"), (source_a, source_b, fused), strict=True))
        label = evaluation.labels[place]
        if evaluation.unit == "case" and scores.axis:
            label = f"{label}, {scores.axis} slice {scores.numbers[index]}"
        shown.append(
            {
                "label": label,
                "pictures": {name: slice_picture(pixels) for name, pixels in pictures.items()},
                "values": {metric: values[index] for metric, values in scores.values.items()},
                "worst_in": _metrics_in_which_worst(evaluation, place),
            }
        )
    return shown


def _worst_slice(scores: CaseScores, evaluation: Evaluation) -> int:
    """Return the place of the slice with the worst mean rank within a volume; 0 of a picture."""
    return int(_mean_rank(scores.values, evaluation.larger_is_better).argmax())


def _metrics_in_which_worst(evaluation: Evaluation, place: int) -> list[str]:
    """List the metrics of which a sample has the worst value of all."""
    return [
        metric
        for metric, larger in evaluation.larger_is_better.items()
        for values in [evaluation.samples(metric)]
        if values[place] == (values.min() if larger else values.max())
    ]


def _notes(methods: list[Evaluation]) -> list[str]:
    """List what should be known about the cases, each sentence once."""
    notes = [note for method in methods for scores in method.cases for note in scores.notes]
    return list(dict.fromkeys(notes))
