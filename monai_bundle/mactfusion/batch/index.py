"""The page of a run: a picture of each result, filters, and what asks most for a look first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mactfusion import __version__
from mactfusion.batch.fuse import PICTURE, REPORT
from mactfusion.batch.summary import rank_of, worst_first
from mactfusion.io.page import write_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.batch.outcome import Outcome

INDEX = "index.html"
TEMPLATE = Path(__file__).with_name("index.html.jinja")
_RANKS = ("failed", "to look at", "done", "not done")


def write_index(output: Path, outcomes: Sequence[Outcome]) -> Path:
    """Write the page into the folder of all results, whose files it shows.

    Raises:
        InputError: it cannot be written.
    """
    cards = [_card(outcome) for outcome in worst_first(outcomes)]
    return write_page(
        output / INDEX,
        TEMPLATE,
        version=__version__,
        cards=cards,
        ranks=[(rank, sum(card["rank"] == rank for card in cards)) for rank in _RANKS],
        tasks=sorted({card["task"] for card in cards if card["task"]}),
        verdicts=sorted({card["verdict"] for card in cards if card["verdict"]}),
    )


def _card(outcome: Outcome) -> dict[str, Any]:
    folder = quote(outcome.study)
    is_there = outcome.files and rank_of(outcome) in (1, 2)
    return {
        "study": outcome.study,
        "rank": _RANKS[rank_of(outcome)],
        "outcome": outcome.outcome,
        "sentence": outcome.sentence,
        "task": outcome.task,
        "verdict": outcome.verdict,
        "off_mm": outcome.off_mm,
        "coverage": outcome.coverage,
        "lost": outcome.lost,
        "lost_mm": outcome.lost_mm,
        "notes": outcome.notes,
        "picture": f"{folder}/{PICTURE}" if is_there and PICTURE in outcome.files else "",
        "report": f"{folder}/{REPORT}" if is_there and REPORT in outcome.files else "",
    }
