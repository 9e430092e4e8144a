"""What an evaluation found, and two of them side by side."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.errors import InputError
from mactfusion.evaluation.statistics import Comparison, Summary, compare_paired, summarize
from mactfusion.metrics import LARGER_IS_BETTER, RANKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mactfusion.evaluation.cases import Case


@dataclass(frozen=True)
class CaseScores:
    """The metrics of one picture, or of every slice with content of one volume.

    Attributes:
        case: the files.
        axis: "axial", "coronal" or "sagittal"; empty for a picture.
        slice_count: slices of the volume, blank ones included.
        numbers: place of each slice with content along its axis of the file's array, from 0.
        values: metric to values, one a slice with content, in the order of ``numbers``.
        of_volume: metrics that are of the volume as a whole, to their value.
        affine: 4x4 from index to RAS+ millimetres of the fused volume.
        notes: what should be known about the case.
    """

    case: Case
    axis: str
    slice_count: int
    numbers: tuple[int, ...]
    values: Mapping[str, NDArray[np.float64]]
    affine: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    of_volume: Mapping[str, float] = field(default_factory=dict)

    @property
    def means(self) -> dict[str, float]:
        """Metric to its mean over the slices with content, or its value of the volume."""
        means = {metric: float(np.mean(values)) for metric, values in self.values.items()}
        return means | dict(self.of_volume)

    def profile(self, metric: str) -> NDArray[np.float64]:
        """Return a metric slice by slice, ``(slice_count,)``, NaN where a slice is blank."""
        profile = np.full(self.slice_count, np.nan)
        profile[list(self.numbers)] = self.values[metric]
        return profile


@dataclass(frozen=True)
class Evaluation:
    """The scores of one method.

    Attributes:
        method: what tables call it.
        cases: one or more, in the order of their names.
        unmatched: sources of which nothing was fused.
    """

    method: str
    cases: tuple[CaseScores, ...]
    unmatched: tuple[Path, ...] = ()

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return [*self.cases[0].values, *self.cases[0].of_volume]

    @property
    def larger_is_better(self) -> dict[str, bool]:
        """What samples are ranked by, and its direction; of slices, and no metric of whole volumes.

        The metrics of :data:`mactfusion.metrics.RANKING` as far as they were computed, else all
        that have a direction: contrast and entropy alone would call noise the best.
        """
        directions = {name: LARGER_IS_BETTER[name] for name in self.cases[0].values}
        directed = {name: larger for name, larger in directions.items() if larger is not None}
        ranking = {name: larger for name, larger in directed.items() if name in RANKING}
        return ranking or directed

    @property
    def unit(self) -> str:
        """What the distribution is over: the "slice" of a single volume, else the "case"."""
        return "slice" if len(self.cases) == 1 and self.cases[0].axis else "case"

    @property
    def labels(self) -> list[str]:
        """Name of each sample: case names, or "slice 17"."""
        if self.unit == "slice":
            return [f"slice {number}" for number in self.cases[0].numbers]
        return [scores.case.name for scores in self.cases]

    def samples(self, metric: str) -> NDArray[np.float64]:
        """Return the values whose distribution is reported, in the order of ``labels``.

        Of one volume that is one value where the metric is of the volume as a whole.
        """
        first = self.cases[0]
        if self.unit == "slice" and metric in first.values:
            return first.values[metric]
        return np.array([scores.means[metric] for scores in self.cases])

    def summaries(self) -> dict[str, Summary]:
        """Return metric to mean, deviation and quantiles of its samples."""
        return {metric: summarize(self.samples(metric)) for metric in self.metrics}


def on_common_cases(first: Evaluation, second: Evaluation) -> tuple[Evaluation, Evaluation]:
    """Keep the cases and metrics that both methods have.

    Two single files are one case whatever their names.

    Raises:
        InputError: there is none, or the fused volumes of a case lie on different grids.
    """
    if len(first.cases) == len(second.cases) == 1:
        pair = (first, second)
    else:
        names = [{scores.case.name for scores in method.cases} for method in (first, second)]
        common = set.intersection(*names)
        if not common:
            raise InputError(f"{first.method} and {second.method} have no case in common.")
        kept = [
            tuple(scores for scores in method.cases if scores.case.name in common)
            for method in (first, second)
        ]
        pair = (replace(first, cases=kept[0]), replace(second, cases=kept[1]))
    metrics = [name for name in pair[0].metrics if name in pair[1].metrics]
    pair = (_with_metrics(pair[0], metrics), _with_metrics(pair[1], metrics))
    for one, other in zip(pair[0].cases, pair[1].cases, strict=True):
        same_slices = (one.axis, one.numbers) == (other.axis, other.numbers)
        if not same_slices or not np.allclose(one.affine, other.affine, atol=1e-3):
            raise InputError(
                f"{one.case.fused} and {other.case.fused} lie on different grids, so their slices "
                "cannot be paired; fuse on one grid."
            )
    return pair


def _with_metrics(evaluation: Evaluation, names: Sequence[str]) -> Evaluation:
    """Keep what both have: of a grey result no colours are scored."""
    cases = (
        replace(
            scores,
            values={name: values for name, values in scores.values.items() if name in names},
            of_volume={name: value for name, value in scores.of_volume.items() if name in names},
        )
        for scores in evaluation.cases
    )
    return replace(evaluation, cases=tuple(cases))


def compare(first: Evaluation, second: Evaluation) -> dict[str, Comparison]:
    """Compare two methods of :func:`on_common_cases`, sample by sample."""
    return compare_paired(
        {metric: first.samples(metric) for metric in first.metrics},
        {metric: second.samples(metric) for metric in second.metrics},
    )
