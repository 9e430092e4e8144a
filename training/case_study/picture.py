"""Draw cases: a row each, with the sentences of the program below."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Literal

from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mactfusion.io.atomic import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from training.case_study.looks import Look

_COLUMNS = (
    "anatomical",
    "partner",
    "before: papers' colours, no check",
    "after: legible colours, check",
)
_Line = Literal["solid"] | tuple[float, tuple[float, float]]
_MARKS: dict[str, tuple[int, str, _Line]] = {
    "lost of the anatomical volume": (1, "#56b4e9", "solid"),
    "lost of the partner": (2, "white", (0, (2, 1.2))),
}
"""Bit of the map, colour and line: told apart by readers with colour blindness, and in grey."""
_INCHES, _CAPTION_INCHES = 2.3, 0.6
_LETTERS_OF_A_LINE = 155
_DOTS_PER_INCH = 110
_OUTLINE = [patheffects.withStroke(linewidth=2.0, foreground="black")]


def write_picture_of(path: Path, looks: Sequence[Look]) -> None:
    """Write a PNG of cases before and after, which appears complete or not at all."""
    height = _INCHES * 1.2
    size = (4 * _INCHES, len(looks) * (height + _CAPTION_INCHES) + 0.35)
    figure = Figure(figsize=size, layout="constrained")
    ratios = [height, _CAPTION_INCHES] * len(looks)
    grid = figure.add_gridspec(2 * len(looks), 4, height_ratios=ratios)
    for number, look in enumerate(looks):
        for column, picture in enumerate(look.pictures):
            axes = figure.add_subplot(grid[2 * number, column])
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(_COLUMNS[column] if number == 0 else "", fontsize=8)
            _point(axes, look.place)
            if column == 0:
                axes.set_ylabel(look.title, fontsize=9)
            if column == len(look.pictures) - 1:
                _mark(axes, look)
        caption = figure.add_subplot(grid[2 * number + 1, :])
        caption.axis("off")
        caption.text(0.01, 1, _caption(look), fontsize=7.5, va="top", transform=caption.transAxes)
    handles = [
        Line2D([], [], color=color, linestyle=line, path_effects=_OUTLINE, label=name)
        for name, (_bit, color, line) in _MARKS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(
            temporary, dpi=_DOTS_PER_INCH, bbox_inches="tight", metadata={"Software": None}
        )


def _caption(look: Look) -> str:
    lines = []
    for when, said in (("Before", look.said_before), ("After", look.said_after)):
        text = f"{when}: {' '.join(said) or 'nothing is said.'}"
        lines += textwrap.wrap(text, _LETTERS_OF_A_LINE)
    return "\n".join(lines)


def _point(axes: Axes, place: tuple[float, float]) -> None:
    """Draw an arrow that ends beside a place."""
    axes.annotate(
        "",
        xy=place,
        xytext=(26, 26),
        textcoords="offset points",
        arrowprops={
            "facecolor": "white",
            "edgecolor": "black",
            "width": 2.0,
            "headwidth": 7.0,
            "headlength": 6.0,
            "linewidth": 0.7,
            "shrink": 0.28,
        },
    )


def _mark(axes: Axes, look: Look) -> None:
    for bit, color, line in _MARKS.values():
        is_lost = (look.lost & bit) > 0
        if is_lost.any():
            drawn = axes.contour(is_lost, levels=[0.5], colors=color, linestyles=[line])
            drawn.set(linewidth=0.9, path_effects=_OUTLINE)
