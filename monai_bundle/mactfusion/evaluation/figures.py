"""Figures of the evaluation's report: box plots and profiles as SVG, slices as PNG.

The SVG takes its colours from the page: drawing happens in stand-in colours that are replaced by
the page's CSS variables, so that one file fits a light and a dark page.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TEXT, LINE, FIRST, SECOND = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {
    TEXT: "var(--muted)",
    LINE: "var(--line)",
    FIRST: "var(--first)",
    SECOND: "var(--second)",
}
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mactfusion",
    "font.family": "sans-serif",
    "font.sans-serif": ["Liberation Sans", "Arial", "DejaVu Sans"],
    "font.size": 9,
    "text.color": TEXT,
    "axes.edgecolor": LINE,
    "axes.labelcolor": TEXT,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
}
LARGEST_CLOUD = 400
"""Samples up to which every one is drawn as a point beside its box."""


def box_plot(samples: Mapping[str, NDArray[np.float64]]) -> str:
    """Draw the distribution of one metric, a box a method, as SVG text.

    Box: quartiles and median; whiskers: the farthest sample within 1.5 interquartile ranges;
    points: every sample. Infinite values have no place and are left out.

    Args:
        samples: one or two methods, each ``(N,)``.
    """
    finite = [values[np.isfinite(values)] for values in samples.values()]
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(2.6, 2.2), layout="constrained")
        axes = figure.add_subplot()
        for place, (values, colour) in enumerate(zip(finite, (FIRST, SECOND), strict=False)):
            line = {"color": colour, "linewidth": 1.3}
            axes.boxplot(
                [values],
                positions=[place],
                widths=0.4,
                showfliers=len(values) > LARGEST_CLOUD,
                flierprops={"marker": ".", "markersize": 3, "markeredgecolor": colour},
                boxprops=line,
                whiskerprops=line,
                capprops=line,
                medianprops={**line, "linewidth": 2.2},
            )
            if len(values) <= LARGEST_CLOUD:
                # a fixed order keeps equal results equal files
                offsets = np.random.default_rng(0).uniform(-0.1, 0.1, len(values))
                axes.plot(
                    place + 0.36 + offsets, values, ".", color=colour, markersize=3, alpha=0.6
                )
        axes.set_xlim(-0.5, len(finite) - 0.2)
        axes.set_xticks([])
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        return as_svg(figure)


def profile_plot(profiles: Sequence[tuple[int, NDArray[np.float64]]], axis: str) -> str:
    """Draw one metric slice by slice as SVG text; blank slices are gaps.

    Args:
        profiles: of each volume whether it belongs to the first (0) or second (1) method, and
            the values ``(slices,)``, NaN where a slice is blank.
        axis: what the slices are called.
    """
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(4.2, 2.0), layout="constrained")
        axes = figure.add_subplot()
        is_crowded = len(profiles) > 4
        for method, values in profiles:
            axes.plot(
                np.where(np.isfinite(values), values, np.nan),
                "-" if is_crowded else ".-",
                color=(FIRST, SECOND)[method],
                linewidth=1.2,
                markersize=3,
                alpha=0.5 if is_crowded else 1,
            )
        axes.set_xlabel(f"{axis} slice")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
        return as_svg(figure)


def slice_picture(pixels: NDArray[np.uint8]) -> str:
    """Return a slice ``(H, W)``, grey levels 0 to 255, as the address of an embedded PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def as_svg(figure: Figure) -> str:
    """Return the drawing as an element of the page, coloured by the page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return text[text.index("<svg") :]
