"""What a run did, a line a study: the table, and what asks most for a look."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from mactfusion.batch.outcome import DONE, FAILED, UNCHANGED, Outcome
from mactfusion.batch.table import PARQUET, has_parquet, write_table
from mactfusion.registration.verdict import (
    DOUBTFUL,
    IN_PLACE,
    MIRRORED,
    NO_MATCH,
    NOT_CHECKED,
    OFF,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUMMARY = "summary.csv"
_NOT_LISTED = ("key", "files")
ASKS_FOR_A_LOOK = (NO_MATCH, MIRRORED, DOUBTFUL, OFF)
VERDICTS = (*ASKS_FOR_A_LOOK, NOT_CHECKED, IN_PLACE)
"""From the one that asks most for a look."""
COVERS_LITTLE = 0.5
"""Share of the anatomical volume; a partner that covers less asks for a look."""


def write_summary(output: Path, outcomes: Sequence[Outcome]) -> Path:
    """Write the table of a run as CSV, and as Parquet where that is installed.

    Raises:
        InputError: it cannot be written.
    """
    titles = [field.name for field in fields(Outcome) if field.name not in _NOT_LISTED]
    lines = [[_cell(getattr(outcome, title)) for title in titles] for outcome in outcomes]
    path = write_table(output / SUMMARY, titles, lines)
    if has_parquet():
        write_table(path.with_suffix(PARQUET), titles, lines)
    return path


def worst_first(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Order outcomes by how much they ask for a look, and by name."""
    return sorted(outcomes, key=lambda one: (rank_of(one), *_within(one), one.study))


def rank_of(one: Outcome) -> int:
    """Return 0 of what failed, 1 of what asks for a look, 2 of the other results, 3 of the rest."""
    if one.outcome == FAILED:
        return 0
    if one.outcome not in (DONE, UNCHANGED):
        return 3
    covers_little = one.coverage is not None and one.coverage < COVERS_LITTLE
    return 1 if one.verdict in ASKS_FOR_A_LOOK or covers_little else 2


def _within(one: Outcome) -> tuple[float, ...]:
    """Of one rank: the worse verdict, the lesser coverage, what was lost, the more to be said."""
    verdict = VERDICTS.index(one.verdict) if one.verdict in VERDICTS else len(VERDICTS)
    coverage = 1.0 if one.coverage is None else round(one.coverage, 2)
    return verdict, coverage, -(one.lost_mm or 0.0), -len(one.notes)


def _cell(value: object) -> object:
    return " ".join(value) if isinstance(value, tuple) else value
