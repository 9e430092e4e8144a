"""What became of a study, as its folder says it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from mactfusion.io.atomic import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OUTCOME = "outcome.json"
DONE, FAILED = "done", "failed"
UNCHANGED = "unchanged"
"""Of a run: it was done before, of the same volumes and options, by the same version."""
BY_ANOTHER_RUN = "by another run"
STOPPED = "not begun"
LEFT_OUT = "left out"


@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Attributes:
        study: its name.
        outcome: :data:`DONE` or :data:`FAILED`; of a run also one of the others above.
        sentence: why it failed, or was left out.
        key: what the result depends on, see :mod:`mactfusion.batch.key`.
        files: of the result, names within its folder, the fused volume first.
        task: see :class:`mactfusion.result.FusionResult`.
        verdict: on where the partner lies, the worst of several.
        off_mm: how far it was off, the most of several; None where that was not found.
        coverage: share of the grid that the partner covers, 0 to 1.
        lost: how many places of lost or invented structure were found; None without a check.
        lost_mm: how long the largest of them is; pixels of a picture.
        notes: the sentences of the record.
        seconds: from beginning to end.
        gigabytes: the most memory that the process had until then.
    """

    study: str
    outcome: str
    sentence: str = ""
    key: str = ""
    files: tuple[str, ...] = ()
    task: str = ""
    verdict: str = ""
    off_mm: float | None = None
    coverage: float | None = None
    lost: int | None = None
    lost_mm: float | None = None
    notes: tuple[str, ...] = ()
    seconds: float | None = None
    gigabytes: float | None = None


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write it into the folder of the study.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_path(folder / OUTCOME) as unfinished:
        unfinished.write_text(json.dumps(asdict(outcome), indent=2) + "\n", encoding="utf-8")


def read_outcome(folder: Path) -> Outcome | None:
    """Read it; None where there is none, or one that is none of this version."""
    try:
        content: Mapping[str, Any] = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
        known = {field.name for field in fields(Outcome)}
        given = {name: value for name, value in content.items() if name in known}
        lists = {name: tuple(given.get(name, ())) for name in ("files", "notes")}
        return Outcome(**{**given, **lists})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def is_whole(folder: Path, outcome: Outcome) -> bool:
    """Tell whether all files of a result are there."""
    return bool(outcome.files) and all((folder / name).exists() for name in outcome.files)
