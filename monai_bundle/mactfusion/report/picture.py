"""A preview of a fusion in one picture: three planes, a scale bar, colour bars and windows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.reasons import reason_of
from mactfusion.report.grid import (
    OrderedGrid,
    Plane,
    planes_of,
    scale_bar_mm,
    slice_of,
)
from mactfusion.report.legend import kinds_of, modalities_of
from mactfusion.report.options import number_text, window_ends, window_text, with_units
from mactfusion.report.two_way import colors_of, two_way_legend
from mactfusion.transforms.volume import is_picture

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from monai.data import MetaTensor

    from mactfusion.result import FusionResult

BACKGROUND, TEXT, MUTED, CROSS_HAIR = "#121417", "#e6e9ed", "#a3acb8", "#f2c14e"
DOTS_PER_INCH = 150
LARGEST_INCHES = (10.0, 7.0)
"""Room for the planes, width and height."""
_GAP, _EDGE, _HEAD, _FOOT = 0.06, 0.12, 0.42, 0.28
_BAR_ROOM = (2.9, 1.0)
"""Width and height for a colour bar with its texts, in inches."""
_COLORS_HEIGHT = 0.47
_MARGIN = 0.07
"""Room for the letters around a plane, as a share of the largest extent."""


@dataclass(frozen=True)
class _Box:
    """A place on the figure in inches from its top left corner."""

    left: float
    top: float
    width: float
    height: float


def write_picture(path: str | os.PathLike[str], result: FusionResult) -> Path:
    """Write one PNG that shows what a fusion looks like.

    The fused volume in radiological display (the patient's right on the left), in the planes
    through the hottest voxel of the first PET or SPECT, else through the middle; a picture or a
    single slice has one plane. Below are the colours of each partner with the values at their
    ends, and the windows. Names of files are left out. Equal results give equal pictures.

    Args:
        path: the ``.png`` file; replaced as a whole when it exists. A missing folder is made.
        result: what ``fuse_volumes`` returned.

    Returns:
        The path of the file.

    Raises:
        InputError: another ending than ``.png``, or the file cannot be written.
    """
    return _write_figure(Path(path), _drawn(result))


def write_legend(path: str | os.PathLike[str], result: FusionResult) -> Path:
    """Write the colours of each partner as one PNG, to lie beside a picture of the result.

    Args:
        path: see :func:`write_picture`.
        result: likewise.

    Returns:
        The path of the file.

    Raises:
        InputError: see :func:`write_picture`.
    """
    partners = result.record["partners"]
    height = len(partners) * _BAR_ROOM[1] + _EDGE
    figure = Figure(figsize=(_BAR_ROOM[0], height), facecolor=BACKGROUND)
    width = _BAR_ROOM[0] - 2 * _EDGE
    for number, (kind, partner) in enumerate(zip(kinds_of(partners), partners, strict=True)):
        box = _Box(_EDGE, number * _BAR_ROOM[1] + _EDGE / 2, width, _BAR_ROOM[1])
        _draw_colors(figure, box, kind, partner, colors_of(result.record))
    return _write_figure(Path(path), figure)


def _write_figure(path: Path, figure: Figure) -> Path:
    if path.suffix.lower() != ".png":
        raise InputError(f"The picture {path} must have a name that ends in .png.")
    try:
        with atomic_path(path) as unfinished:
            # Agg draws into memory: no window system, and the user's choice of a backend stays.
            FigureCanvasAgg(figure).print_figure(
                unfinished, dpi=DOTS_PER_INCH, facecolor=BACKGROUND, metadata={"Software": None}
            )
    except OSError as error:
        raise InputError(f"The picture cannot be written to {path}: {reason_of(error)}.") from error
    return path


def _drawn(result: FusionResult) -> Figure:
    record = result.record
    partners = record["partners"]
    fused = result.fused
    grid = OrderedGrid.of(fused)
    index = _start(grid, result.hottest_mm)
    planes = planes_of(grid.shape)
    extent = grid.spacing_mm * grid.shape
    margin = 0.0 if is_picture(fused) else _MARGIN * float(extent.max())
    boxes, width, height = _arranged(planes, extent + 2 * margin)
    width = max(width, _BAR_ROOM[0] + 2 * _EDGE)
    beside = max(1, int(width / _BAR_ROOM[0]))
    total = height + -(-len(partners) // beside) * _BAR_ROOM[1] + _FOOT
    figure = Figure(figsize=(width, total), facecolor=BACKGROUND)
    for plane, box in zip(planes, boxes, strict=True):
        _draw_plane(_axes(figure, box), fused, grid, plane, index, margin)
    for number, (kind, partner) in enumerate(zip(kinds_of(partners), partners, strict=True)):
        room = (width - 2 * _EDGE) / beside
        left, top = _EDGE + number % beside * room, height + number // beside * _BAR_ROOM[1]
        box = _Box(left, top, room - 2 * _EDGE, _BAR_ROOM[1])
        _draw_colors(figure, box, kind, partner, colors_of(result.record))
    modalities = modalities_of(record["task"])
    window = window_text(record["anatomical_level_width"], record["units"])
    _write(figure, _EDGE, 0.2, f"{' + '.join(modalities)}, fused", TEXT, 10)
    _write(figure, _EDGE, 0.36, _place(fused, grid, index), MUTED, 7.5)
    _write(figure, width - _EDGE, 0.36, "Not a medical device", CROSS_HAIR, 6.5, "right")
    _write(figure, _EDGE, total - 0.1, f"{modalities[0]}: {window}", TEXT, 7.5)
    return figure


def _start(grid: OrderedGrid, hottest_mm: np.ndarray | None) -> list[int]:
    """Return where the planes meet: the hottest voxel, or the middle."""
    if hottest_mm is None:
        return [size // 2 for size in grid.shape]
    place = np.linalg.solve(grid.affine, [*hottest_mm, 1.0])[:3]
    return [int(index) for index in np.rint(place)]


def _arranged(planes: Sequence[Plane], sizes: np.ndarray) -> tuple[list[_Box], float, float]:
    """Lay planes out side by side or one below the other, whichever leaves less room empty.

    Args:
        planes: those that are shown.
        sizes: of the volume along its three axes, with margins, in mm.

    Returns:
        The place of each plane, and the width and height of all with the heading, in inches.
    """
    across = np.array([sizes[plane.across] for plane in planes])
    down = np.array([sizes[plane.down] for plane in planes])
    # The thin planes of a slab would leave most of a row empty; those of a head do not.
    is_stacked = across.max() * down.sum() < 0.7 * across.sum() * down.max()
    whole = (across.max(), down.sum()) if is_stacked else (across.sum(), down.max())
    scale = min(LARGEST_INCHES[0] / whole[0], LARGEST_INCHES[1] / whole[1])
    boxes, left, top = [], _EDGE, _HEAD
    for width, height in zip(across * scale, down * scale, strict=True):
        inset = (whole[0] * scale - width) / 2 if is_stacked else 0.0
        boxes.append(_Box(left + inset, top, width, height))
        left, top = (left, top + height + _GAP) if is_stacked else (left + width + _GAP, top)
    right = max(box.left + box.width for box in boxes) + _EDGE
    return boxes, right, max(box.top + box.height for box in boxes) + _EDGE


def _draw_plane(
    axes: Axes,
    volume: MetaTensor,
    grid: OrderedGrid,
    plane: Plane,
    index: Sequence[int],
    margin: float,
) -> None:
    """Draw a slice in mm with cross-hair, letters and scale bar; of a picture only the first."""
    spacing = grid.spacing_mm
    extent = spacing * grid.shape
    width, height = float(extent[plane.across]), float(extent[plane.down])
    axes.imshow(
        slice_of(grid.slab(volume, plane.through, index[plane.through]), plane, 0),
        extent=(0, width, height, 0),
        interpolation="bilinear",
        aspect="auto",
    )
    axes.set_xlim(-margin, width + margin)
    axes.set_ylim(height + margin, -margin)
    x = (index[plane.across] + 0.5) * spacing[plane.across]
    y = (index[plane.down] + 0.5) * spacing[plane.down]
    y = height - y if plane.flip else y
    gap = 0.03 * float(extent.max())
    line: dict[str, Any] = {"color": CROSS_HAIR, "linewidth": 0.6, "alpha": 0.8}
    axes.hlines([y, y], [0, min(x + gap, width)], [max(x - gap, 0), width], **line)
    axes.vlines([x, x], [0, min(y + gap, height)], [max(y - gap, 0), height], **line)
    if is_picture(volume):
        return
    places = {"left": (-margin / 2, height / 2), "right": (width + margin / 2, height / 2)}
    places |= {"top": (width / 2, -margin / 2), "bottom": (width / 2, height + margin / 2)}
    style: dict[str, Any] = {
        "color": TEXT,
        "horizontalalignment": "center",
        "verticalalignment": "center",
    }
    for edge, (across, down) in places.items():
        axes.text(across, down, getattr(plane, edge), fontsize=8, fontweight="bold", **style)
    bar_mm = scale_bar_mm(extent, planes_of(grid.shape))
    y = height + 0.8 * margin
    axes.plot([0, bar_mm], [y, y], color="white", linewidth=1.5, solid_capstyle="butt")
    axes.text(0, y - 0.15 * margin, f"{bar_mm:g} mm", color="white", fontsize=6.5)


def _draw_colors(
    figure: Figure, box: _Box, kind: str, partner: Mapping[str, Any], colors: str
) -> None:
    """Draw the colours of one partner with the values at their ends, below its window.

    To the right the value grows, upwards the brightness of the fused picture. A partner without
    colours has nothing to draw: brightness comes from all sources and gives a value of none.
    """
    units = partner["units"]
    heading = f"{kind}: {window_text(partner['level_width'], units)}"
    _write(figure, box.left, box.top + 0.16, heading, TEXT, 7.5)
    pixels = two_way_legend(partner, colors)
    if pixels is None:
        has_own = colors and not partner["colors"]
        text = "keeps its own colours" if has_own else "fused in grey: brightness gives no value"
        _write(figure, box.left, box.top + 0.34, text, MUTED, 7.5)
        return
    axes = _axes(figure, _Box(box.left, box.top + 0.23, box.width, _COLORS_HEIGHT))
    axes.imshow(pixels, aspect="auto", interpolation="bilinear")
    _write(figure, box.left + box.width, box.top + 0.16, "up: brighter", MUTED, 6.5, "right")
    low, high = window_ends(partner["level_width"])
    below = box.top + 0.38 + _COLORS_HEIGHT
    _write(figure, box.left, below, number_text(low), MUTED, 7.5)
    _write(figure, box.left + box.width / 2, below, partner["colormap"], MUTED, 7.5, "center")
    _write(figure, box.left + box.width, below, with_units(high, units), MUTED, 7.5, "right")


def _place(volume: MetaTensor, grid: OrderedGrid, index: Sequence[int]) -> str:
    """Say where the planes meet."""
    if is_picture(volume):
        return f"pixel {index[0]}, {index[1]}"
    world = grid.affine @ [*index, 1.0]
    sides = zip(world[:3], ("LR", "PA", "IS"), strict=True)
    places = " · ".join(f"{abs(value):.1f} {pair[int(value >= 0)]}" for value, pair in sides)
    return f"through {places} (mm)"


def _axes(figure: Figure, box: _Box) -> Axes:
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (box.left / width, 1 - (box.top + box.height) / height,
         box.width / width, box.height / height),
        facecolor="black",
    )  # fmt: skip
    axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    axes.spines[:].set_visible(False)
    return axes


def _write(
    figure: Figure, left: float, top: float, text: str, color: str, size: float, side: str = "left"
) -> None:
    """Write a line of text, its foot at this place in inches from the top left corner."""
    width, height = figure.get_size_inches()
    figure.text(
        left / width, 1 - top / height, text, color=color, fontsize=size, horizontalalignment=side
    )
