"""The numbers of a scored study as files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.evaluation.table import write_lines
from mactfusion.io.atomic import atomic_path
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mactfusion.study.score import Scores

COLUMNS = (
    *("question", "cases", "method", "offered", "chosen", "share", "share_low", "share_high"),
    *("strength", "strength_low", "strength_high"),
)


def write_csv(path: Path, scores: Scores) -> Path:
    """Write one line for each method, in all cases and in those of each task.

    Raises:
        InputError: the file cannot be written; what had that name is untouched.
    """
    return write_lines(path, [COLUMNS, *_lines(scores)])


def _lines(scores: Scores) -> Iterator[list]:
    for choice in scores.choices:
        for part, tally in choice.tallies.items():
            for one in tally.methods:
                yield [
                    *(choice.id, part, one.method, one.offered, one.chosen),
                    *(one.share, *one.share_interval),
                    *(one.strength, *(one.strength_interval or (None, None))),
                ]


def write_json(path: Path, scores: Scores) -> Path:
    """Write all numbers, under the names of :class:`mactfusion.study.score.Scores`.

    Raises:
        InputError: the file cannot be written; what had that name is untouched.
    """
    try:
        with atomic_path(path) as unfinished:
            text = json.dumps(asdict(scores), indent=2, allow_nan=False)
            unfinished.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(f"The numbers cannot be written to {path}: {reason_of(error)}.") from error
    return path
