"""Tables of a comparison: CSV files, and Markdown for a page."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.evaluation.statistics import holm, mean_ranks, paired_wilcoxon
from mactfusion.io.atomic import atomic_path
from mactfusion.metrics import METRICS, RANKING
from training.comparison.checkpoints import FIGURES, SHIFTS
from training.comparison.scores import BASELINES, mean_scores
from training.tables import markdown_table, means_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from training.comparison.checkpoints import Cost
    from training.comparison.scores import Scores, TaskScores

STEADINESS = {
    **{
        f"{figure}_{shift}": f"{heading}, {shift} px"
        for shift in SHIFTS
        for figure, heading in zip(FIGURES, ("mean", "99 %"), strict=True)
    },
    "border": "steps across window borders",
}
LEGEND = (
    "† not made for this task. Cost is for one picture of 256×256; the time of a checkpoint was "
    "measured where it was fused, that of other methods is as given with them."
)
STEADINESS_LEGEND = (
    "Change of the result, as a share of the full scale, when both sources move by 1, 3, 4 "
    "or 16 pixels and the result moves back: mean and 99th percentile over the foreground, then "
    "mean over pairs; and how much larger steps are across the borders of windows than elsewhere."
)
FIRST = 10
"""Methods of a task that a reader sees first, by mean rank."""
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@dataclass(frozen=True)
class PairedTest:
    """Our method against one other in one metric.

    Attributes:
        difference: mean over pictures of ours minus theirs.
        p_value: Wilcoxon signed-rank test, two-sided, adjusted by Holm's method over all metrics
            and all other methods of the task.
    """

    difference: float
    p_value: float


def rank_methods(scores: TaskScores) -> dict[str, float]:
    """Mean rank of every method over the main metrics, best first."""
    means = {method: mean_scores(of_method) for method, of_method in scores.items()}
    ranks = mean_ranks(means, dict.fromkeys(RANKING, True))
    return dict(sorted(ranks.items(), key=lambda item: item[1]))


def compare_with_others(ours: str, scores: TaskScores) -> dict[str, dict[str, PairedTest]]:
    """Compare our method with every other, picture by picture: method, then metric.

    Raises:
        InputError: the methods were not scored on the same pictures.
    """
    names = list(scores[ours])
    others = [method for method in scores if method != ours]
    if any(list(scores[method]) != names for method in others):
        raise InputError("The methods were scored on different pictures.")
    keys = [(method, metric) for method in others for metric in RANKING]
    p_values, differences = [], []
    for method, metric in keys:
        first, second = (
            [scores[which][name][metric] for name in names] for which in (ours, method)
        )
        p_values.append(paired_wilcoxon(first, second))
        differences.append((sum(first) - sum(second)) / len(names))
    tests: dict[str, dict[str, PairedTest]] = {method: {} for method in others}
    for (method, metric), difference, p_value in zip(
        keys, differences, holm(p_values), strict=True
    ):
        tests[method][metric] = PairedTest(difference, p_value)
    return tests


def first_tables(
    scores: Mapping[str, TaskScores], ours: str, costs: Mapping[str, Cost], others: str
) -> str:
    """Markdown of a table for each task: the first methods, ours, and what needs no network.

    Args:
        scores: task, then method, then picture, then metric.
        ours: the method that is never left out.
        costs: method to cost, where known.
        others: name of the page with all methods, which has a heading for each task.
    """
    parts = []
    for task, of_task in scores.items():
        ranks = rank_methods(of_task)
        shown = {
            method: rank
            for place, (method, rank) in enumerate(ranks.items())
            if place < FIRST or method in (ours, *BASELINES)
        }
        parts += [f"### {task}", _scores_table(task, of_task, shown, ours, costs)]
        if len(shown) < len(ranks):
            parts.append(
                f"The first {FIRST} of {len(ranks)} methods by mean rank, and pixel maximum and "
                f"average; bold is the best of all. [All methods]({others}#{task.lower()})."
            )
    return "\n\n".join([*parts, LEGEND])


def comparison_page(
    scores: Mapping[str, TaskScores],
    ours: str,
    costs: Mapping[str, Cost],
    steadiness: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> str:
    """Markdown of all tables.

    Args:
        scores: task, then method, then picture, then metric.
        ours: the method that is tested against all others.
        costs: method to cost, where known.
        steadiness: checkpoint, then task, then the keys of ``STEADINESS``, and ``pairs``.
    """
    parts = []
    for task, of_task in scores.items():
        ranks = rank_methods(of_task)
        parts += [f"### {task}", _scores_table(task, of_task, ranks, ours, costs), LEGEND]
        parts.append(f"![{task}: each picture of each method](boxes-{task}.png)")
        if ours in of_task and len(of_task) > 1:
            pictures = len(of_task[ours])
            parts += [
                f"Mean difference, {ours} minus the other, over {pictures} pictures; "
                "\\* p < 0.05, \\*\\* p < 0.01, \\*\\*\\* p < 0.001 (Wilcoxon signed-rank, "
                "two-sided, Holm's correction over this table).",
                _tests_table(compare_with_others(ours, of_task), ranks),
            ]
        others = [name for name in METRICS if name not in RANKING]
        if others:
            means = {method: mean_scores(of_task[method]) for method in ranks}
            parts += ["Other metrics, means:", means_table("method", means, others)]
    if steadiness:
        parts += ["### Shift consistency", _steadiness_table(steadiness), STEADINESS_LEGEND]
    return "\n\n".join(parts)


def write_scores(path: Path, scores: Mapping[str, TaskScores]) -> None:
    """Write a CSV with one line a picture and method."""
    rows = [
        [task, method, name, *(values[metric] for metric in METRICS)]
        for task, of_task in scores.items()
        for method, of_method in of_task.items()
        for name, values in of_method.items()
    ]
    _write_csv(path, ["task", "method", "picture", *METRICS], rows)


def write_tests(path: Path, scores: Mapping[str, TaskScores], ours: str) -> None:
    """Write a CSV with one line a task, other method and metric."""
    rows = [
        [task, method, metric, test.difference, test.p_value]
        for task, of_task in scores.items()
        if ours in of_task
        for method, tests in compare_with_others(ours, of_task).items()
        for metric, test in tests.items()
    ]
    _write_csv(path, ["task", "method", "metric", "mean_difference", "p_adjusted"], rows)


def _write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence]) -> None:
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _scores_table(
    task: str,
    scores: TaskScores,
    ranks: Mapping[str, float],
    ours: str,
    costs: Mapping[str, Cost],
) -> str:
    means = {method: mean_scores(of_method) for method, of_method in scores.items()}
    best: Scores = {metric: max(values[metric] for values in means.values()) for metric in RANKING}
    rows = []
    for method, rank in ranks.items():
        cells = [
            f"**{means[method][metric]:.4f}**"
            if means[method][metric] == best[metric]
            else f"{means[method][metric]:.4f}"
            for metric in RANKING
        ]
        cost = costs.get(method)
        price = (
            [f"{cost.parameters:,}", f"{cost.gflop:.1f}", f"{cost.milliseconds:.0f}"]
            if cost
            else ["", "", ""]
        )
        mark = " †" if cost and task in cost.out_of_domain else ""
        name = f"**{method}**" if method == ours else method
        rows.append([name + mark, *cells, f"{rank:.1f}", *price])
    return markdown_table(["method", *RANKING, "mean rank", "parameters", "GFLOP", "ms"], rows)


def _tests_table(tests: Mapping[str, Mapping[str, PairedTest]], ranks: Mapping[str, float]) -> str:
    def cell(test: PairedTest) -> str:
        stars = next((stars for level, stars in LEVELS if test.p_value < level), "")
        return f"{test.difference:+.4f}{stars}".replace("*", "\\*")

    rows = [
        [method, *(cell(tests[method][metric]) for metric in RANKING)]
        for method in ranks
        if method in tests
    ]
    return markdown_table(["against", *RANKING], rows)


def _steadiness_table(steadiness: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    rows = [
        [
            f"{method}, {task}",
            *(f"{values[key]:.4f}" for key in STEADINESS),
            f"{values['pairs']:.0f}",
        ]
        for method, of_method in steadiness.items()
        for task, values in of_method.items()
    ]
    return markdown_table(["checkpoint and task", *STEADINESS.values(), "pairs moved"], rows)
