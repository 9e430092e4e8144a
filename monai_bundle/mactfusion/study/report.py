"""The page of a scored study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mactfusion import __version__
from mactfusion.io.page import write_page
from mactfusion.study.choices import LEVEL, RESAMPLES
from mactfusion.study.figures import share_plot, strength_plot

if TYPE_CHECKING:
    from mactfusion.study.score import Scores, Tally

TEMPLATE = Path(__file__).with_name("score.html.jinja")


def write_score_report(path: Path, scores: Scores) -> Path:
    """Write one self-contained HTML page; equal scores give an equal page.

    Raises:
        InputError: the file cannot be written.
    """
    return write_page(
        path,
        TEMPLATE,
        scores=scores,
        figures=[
            {part: _figures(tally) for part, tally in choice.tallies.items()}
            for choice in scores.choices
        ],
        version=__version__,
        level=LEVEL,
        resamples=RESAMPLES,
    )


def _figures(tally: Tally) -> dict[str, Any]:
    """Draw the figures of some cases, by what they show."""
    alike = 1 / len(tally.methods)
    shows_all = all(one.offered == tally.readers * tally.cases for one in tally.methods)
    drawn = {"Share of choices": share_plot(tally, alike if shows_all else None)}
    if all(one.strength is not None for one in tally.methods):
        drawn["Strength"] = strength_plot(tally, alike)
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 (Matplotlib's own SVG)
