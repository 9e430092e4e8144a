"""Figures of the demo: MR, partner and fused volume side by side in radiological display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mactfusion.report.grid import PLANES, Plane, ordered, slice_of, spacing_mm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from monai.data import MetaTensor

BACKGROUND = "black"
MARK = "#40e0ff"
DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Case:
    """One fusion to be drawn.

    Attributes:
        partner: name of the partner's modality.
        volumes: MR, partner and fused by title; ``(1 or 3, I, J, K)`` in [0,1] on one grid.
        landmark: name of the landmark.
        landmark_mm: its place in RAS mm, through which the slices go.
    """

    partner: str
    volumes: Mapping[str, MetaTensor]
    landmark: str
    landmark_mm: Sequence[float]


def save_planes(case: Case, path: Path) -> None:
    """Draw axial, coronal and sagittal slices through the landmark: a row each, three columns."""
    figure = _figure((8.4, 8.4))
    # All columns are equally wide, so the proportions of the planes decide the heights.
    grid = ordered(case.volumes["MR"])
    extent_mm = spacing_mm(grid) * grid.shape[1:]
    heights = [extent_mm[plane.down] / extent_mm[plane.across] for plane in PLANES]
    axes = figure.subplots(3, 3, gridspec_kw={"height_ratios": heights})
    for row, plane in zip(axes, PLANES, strict=True):
        for axis, (title, volume) in zip(row, case.volumes.items(), strict=True):
            _draw(axis, volume, plane, case.landmark_mm)
            if plane is PLANES[0]:
                axis.set_title(title, color="white", fontsize=13)
        _name_row(row[0], plane.name)
    figure.suptitle(
        f"MR and {case.partner} of the synthetic head; the arrow points at the {case.landmark}",
        color="white",
        fontsize=11,
    )
    _save(figure, path)


def save_overview(cases: Sequence[Case], path: Path) -> None:
    """Draw the axial slice through the landmark of each case: a row each, three columns."""
    figure = _figure((8.4, 3.35 * len(cases)))
    axes = figure.subplots(len(cases), 3, squeeze=False)
    for row, case in zip(axes, cases, strict=True):
        for axis, volume in zip(row, case.volumes.values(), strict=True):
            _draw(axis, volume, PLANES[0], case.landmark_mm)
        _name_row(row[0], f"MR + {case.partner}")
    for axis, title in zip(axes[0], ("MR", "CT, PET, SPECT", "Fused"), strict=True):
        axis.set_title(title, color="white", fontsize=14)
    _save(figure, path)


def _draw(axis: Axes, volume: MetaTensor, plane: Plane, landmark_mm: Sequence[float]) -> None:
    """One slice in radiological display with its true proportions and an arrow to the landmark."""
    turned = ordered(volume)
    spacing = spacing_mm(turned)
    place = np.linalg.solve(turned.affine.numpy(), np.array([*landmark_mm, 1.0]))[:3]
    last = turned.shape[1 + plane.through] - 1
    picture = slice_of(turned, plane, int(np.clip(np.round(place[plane.through]), 0, last)))
    axis.imshow(
        picture,
        aspect=spacing[plane.down] / spacing[plane.across],
        interpolation="bicubic",
    )
    down = place[plane.down]
    axis.annotate(
        "",
        xy=(place[plane.across], len(picture) - 1 - down if plane.flip else down),
        xytext=(14, -14),
        textcoords="offset points",
        arrowprops={"arrowstyle": "->", "color": MARK, "linewidth": 1.2, "shrinkB": 5},
    )
    for x, letter in ((0.03, plane.left), (0.97, plane.right)):
        axis.text(
            x, 0.96, letter, color="white", fontsize=9, transform=axis.transAxes,
            horizontalalignment="left" if x < 0.5 else "right", verticalalignment="top",
        )  # fmt: skip
    axis.set_axis_off()


def _name_row(axis: Axes, name: str) -> None:
    axis.text(
        -0.04, 0.5, name, color="white", fontsize=13, rotation=90, transform=axis.transAxes,
        horizontalalignment="right", verticalalignment="center",
    )  # fmt: skip


def _figure(size_inches: tuple[float, float]) -> Figure:
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    return Figure(figsize=size_inches, facecolor=BACKGROUND, layout=layout)


def _save(figure: Figure, path: Path) -> None:
    # Agg draws into memory: no window system, and the user's choice of a backend stays.
    FigureCanvasAgg(figure).print_figure(path, dpi=DOTS_PER_INCH, facecolor=BACKGROUND)
