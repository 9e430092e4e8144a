"""Tables of how well lesions are found: Markdown for a page, and CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.io.atomic import atomic_path
from mactfusion.trust.lesions import LESIONS
from training.lesion_study.measure import CHANNELS
from training.observer.areas import Interval, interval
from training.observer.study import EITHER, observers
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from training.observer.study import Found

ALLOWED = 0.02
"""Of the area, by which a fused picture may be below the better source."""
MEAN = "mean"
HEAD_OF_CSV = (
    *("task", "source", "kind", "picture", "observer"),
    *("lesions", "area", "low", "high"),
)


class Results:
    """What was found, by cell.

    Args:
        found: all of it.
        fused: pictures that the bar is for.
    """

    def __init__(self, found: Sequence[Found], fused: Sequence[str]) -> None:
        self.found = list(found)
        self.fused = [name for name in fused if any(one.picture == name for one in found)]
        self.observer = next(iter(observers()))
        self._areas = {
            (one.task, one.source, one.kind, one.picture, one.observer): one.areas for one in found
        }

    @property
    def tasks(self) -> list[str]:
        """In the order in which they were studied."""
        return list(dict.fromkeys(one.task for one in self.found))

    def pictures(self, task: str) -> list[str]:
        """Of a task, in the order in which they were drawn."""
        return list(dict.fromkeys(one.picture for one in self.found if one.task == task))

    def areas(
        self, task: str, source: str, kind: str, picture: str, observer: str = ""
    ) -> NDArray[np.float64]:
        """Areas ``(1 + D,)`` of a kind of lesion, or the mean of all kinds."""
        kinds = LESIONS if kind == MEAN else (kind,)
        return np.mean(
            [self._areas[task, source, one, picture, observer or self.observer] for one in kinds],
            axis=0,
        )

    def above_better_source(
        self, task: str, source: str, kind: str, picture: str, observer: str = ""
    ) -> NDArray[np.float64]:
        """Areas of a picture less those of the source in which lesions are found better."""
        of_sources = [self.areas(task, source, kind, one, observer) for one in CHANNELS[task]]
        better = max(of_sources, key=lambda areas: areas[0])
        return self.areas(task, source, kind, picture, observer) - better


def tables(results: Results) -> str:
    """Markdown: the bar, then each pair and source, then what makes the difference."""
    parts = ["### The bar", _bar(results)]
    for task in results.tasks:
        for source in (*CHANNELS[task], EITHER):
            where = "either source" if source == EITHER else source
            parts += [f"### {_pair(task)}, lesion in {where}", _of_source(results, task, source)]
    parts += ["### Why", _why(results)]
    return "\n\n".join(parts)


def _pair(task: str) -> str:
    first, second = CHANNELS[task]
    return f"{second}-MR" if first == "MR" else f"{first} with {second}"


def _bar(results: Results) -> str:
    """Fused against the better source, mean of all kinds."""
    rows = []
    for task in results.tasks:
        for source in (*CHANNELS[task], EITHER):
            for picture in results.fused:
                if picture not in results.pictures(task):
                    continue
                better = max(results.areas(task, source, MEAN, one)[0] for one in CHANNELS[task])
                area = results.areas(task, source, MEAN, picture)
                difference = interval(results.above_better_source(task, source, MEAN, picture))
                low, high = f"{difference.low:+.3f}", f"{difference.high:+.3f}"
                rows.append(
                    [
                        f"{_pair(task)}, {source}",
                        picture,
                        f"{better:.3f}",
                        f"{area[0]:.3f}",
                        f"{difference.value:+.3f} ({low} to {high})",
                        _verdict(source, difference),
                    ]
                )
    head = ["lesion in", "picture", "better source", "fused", "difference", "bar"]
    return markdown_table(head, rows)


def _verdict(source: str, difference: Interval) -> str:
    least = 0.0 if source == EITHER else -ALLOWED
    return "held" if difference.value >= least else "missed"


def _of_source(results: Results, task: str, source: str) -> str:
    pictures = results.pictures(task)
    counts = {
        one.kind: one.lesions for one in results.found if (one.task, one.source) == (task, source)
    }
    rows = []
    for kind in (*LESIONS, MEAN):
        count = sum(counts.values()) if kind == MEAN else counts[kind]
        cells = [interval(results.areas(task, source, kind, one)) for one in pictures]
        rows.append([kind, str(count), *map(_cell, cells)])
    return markdown_table(["lesion", "lesions", *pictures], rows)


def _cell(figure: Interval) -> str:
    return f"{figure.value:.3f} ± {(figure.high - figure.low) / 2:.3f}"


def _why(results: Results) -> str:
    rows = []
    for task in results.tasks:
        for source in (*CHANNELS[task], EITHER):
            for picture in results.fused:
                if picture in results.pictures(task):
                    differences = [
                        results.above_better_source(task, source, MEAN, picture, observer)[0]
                        for observer in observers()
                    ]
                    cells = [f"{difference:+.3f}" for difference in differences]
                    rows.append([f"{_pair(task)}, {source}", picture, *cells])
    return markdown_table(["lesion in", "picture", *observers()], rows)


def write_csv(path: Path, found: Sequence[Found]) -> None:
    """Write one line for each kind of lesion, picture and observer."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(HEAD_OF_CSV)
        for one in found:
            cell = (one.task, one.source, one.kind, one.picture, one.observer, one.lesions)
            writer.writerow([*cell, *(f"{figure:.4f}" for figure in interval(one.areas))])
