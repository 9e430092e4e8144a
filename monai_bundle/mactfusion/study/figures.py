"""Figures of a reader study: shares and strengths with their intervals, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from mactfusion.evaluation.figures import FIRST, SECOND, SETTINGS, as_svg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mactfusion.study.choices import Interval
    from mactfusion.study.score import Tally

Point = tuple[float, "Interval | None"]


def share_plot(tally: Tally, chance: float | None) -> str:
    """Draw the share of choices of each method with its interval, the largest on top.

    Args:
        tally: of some cases.
        chance: share that each would have if nobody preferred any; None where some case does not
            show every method.
    """
    points = {one.method: (one.share, one.share_interval) for one in tally.methods}
    return _points(points, FIRST, "share of choices", chance)


def strength_plot(tally: Tally, chance: float | None) -> str:
    """Draw the strength of each method likewise; see :func:`share_plot`."""
    points = {
        one.method: (one.strength, one.strength_interval)
        for one in tally.methods
        if one.strength is not None
    }
    return _points(points, SECOND, "strength", chance)


def _points(points: Mapping[str, Point], colour: str, label: str, chance: float | None) -> str:
    names = sorted(points, key=lambda name: -points[name][0])[::-1]
    with mpl.rc_context({**SETTINGS, "axes.spines.left": False}):
        figure = Figure(figsize=(4.6, 0.75 + 0.3 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        for place, name in enumerate(names):
            value, interval = points[name]
            if interval is not None:
                axes.plot(interval, (place, place), color=colour, linewidth=1.6)
            axes.plot(value, place, "o", color=colour, markersize=5)
        if chance is not None:
            axes.axvline(chance, color=SETTINGS["text.color"], linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(names)), [_label(name) for name in names])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel(label)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        return as_svg(figure)


def _label(name: str) -> str:
    """Return a name of any folder as a line of text: no formula, and bytes that are no UTF-8."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return " ".join(text.split()).replace("$", r"\$")
