"""Pictures of both modes of colour side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from matplotlib.figure import Figure

from mactfusion.transforms.color import merge_colors, split_table
from mactfusion.transforms.color_names import METALS
from mactfusion.trust.color_vision import as_seen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from training.color_study.cases import Shown

READERS = {"normal": "", "red-blind": "protan", "green-blind": "deutan", "blue-blind": "tritan"}
_MODES = ("ycbcr", "legible")
_INCHES = 1.9
_HEAT = 8
"""Power by which a small hot place counts more than all healthy tissue."""


def write_cases(path: Path, cases: Sequence[Shown]) -> None:
    """Write a row a case: both sources, then the fused slice in each mode of colour.

    The slice is the one with most high uptake over bright anatomy.
    """
    figure = Figure(figsize=(4 * _INCHES, len(cases) * (_INCHES + 0.2)), layout="constrained")
    panels = figure.subplots(len(cases), 4, squeeze=False)
    for axes, name in zip(panels[0], ("anatomical", "uptake", *_MODES), strict=True):
        axes.set_title(name, fontsize=8)
    for row, shown in zip(panels, cases, strict=True):
        place = _place(shown)
        pictures: list[NDArray[np.float32]] = [
            shown.sources[0, place].numpy(),
            shown.uptake[place].numpy(),
            *(shown.colored[colors][:, place].movedim(0, -1).numpy() for colors in _MODES),
        ]
        for axes, picture in zip(row, pictures, strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
        row[0].set_ylabel(shown.name, fontsize=7)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def write_tables(path: Path) -> None:
    """Write the tables of tracers by value and brightness, as each kind of reader sees them."""
    figure = Figure(figsize=(len(METALS) * 2.2, len(READERS) * 1.0), layout="constrained")
    panels = figure.subplots(len(READERS), len(METALS))
    for column, name in enumerate(METALS):
        rgb = _by_value_and_brightness(name)
        for row, (reader, deficiency) in enumerate(READERS.items()):
            seen = as_seen(rgb, deficiency) if deficiency else rgb
            axes = panels[row, column]
            axes.imshow(seen.movedim(0, -1).numpy(), aspect="auto")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(name if row == 0 else "", fontsize=8)
            axes.set_ylabel(reader if column == 0 else "", fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _by_value_and_brightness(name: str) -> torch.Tensor:
    """Return ``(3, 100, 256)``: a table's values to the right, luminance upwards."""
    chrominance = split_table(name).T[1:, None, None].expand(2, 1, 100, -1)
    luminance = torch.linspace(1, 0, 100)[None, None, :, None].expand(1, 1, 100, 256)
    return merge_colors(luminance, chrominance)[:, 0]


def _place(shown: Shown) -> int:
    hot_and_bright = shown.uptake**_HEAT * shown.sources[0]
    return int(hot_and_bright.flatten(1).sum(dim=1).argmax())
