"""Scores as a CSV file."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from mactfusion.evaluation.result import Evaluation


def write_csv(path: Path, evaluations: Sequence[Evaluation]) -> Path:
    """Write one line a case, and one a slice with content of volumes.

    Columns: ``method``, ``case``, ``slice`` (its place along its axis of the file's array, from
    0; empty in the line of the case, whose values are means over its slices), then the metrics;
    what is of a volume as a whole is in the line of the case alone.

    Raises:
        InputError: the file cannot be written; what had that name is untouched.
    """

    def lines() -> Iterator[list]:
        yield ["method", "case", "slice", *evaluations[0].metrics]
        for evaluation in evaluations:
            yield from _lines(evaluation)

    return write_lines(path, lines())


def write_lines(path: Path, lines: Iterable[Sequence]) -> Path:
    """Write any table as CSV, its titles first.

    Raises:
        InputError: the file cannot be written; what had that name is untouched.
    """
    try:
        with (
            atomic_path(path) as unfinished,
            # A file name that is no UTF-8 shows its bytes.
            unfinished.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            csv.writer(file).writerows(lines)
    except OSError as error:
        raise InputError(f"The table cannot be written to {path}: {reason_of(error)}.") from error
    return path


def _lines(evaluation: Evaluation) -> Iterator[list]:
    """Give the lines of one method."""
    for scores in evaluation.cases:
        start = [evaluation.method, scores.case.name]
        yield [*start, "", *scores.means.values()]
        if scores.axis:
            for place, number in enumerate(scores.numbers):
                of_slice = [float(values[place]) for values in scores.values.values()]
                yield [*start, number, *of_slice, *([""] * len(scores.of_volume))]
