"""A sheet of pictures: sources and results side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from mactfusion.io.atomic import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.generalisation.examples import Example

EXAMPLES = 3
"""Rows of a sheet."""


def draw_sheet(examples: Sequence[Example], headings: tuple[str, str], path: Path) -> None:
    """Write sources and results of a few examples side by side."""
    count = min(EXAMPLES, len(examples))
    rows = [examples[(2 * row + 1) * len(examples) // (2 * count)] for row in range(count)]
    titles = [*headings, *rows[0].fused]
    figure, axes = plt.subplots(
        len(rows), len(titles), figsize=(2.8 * len(titles), 3 * len(rows)), squeeze=False
    )
    for line, example in zip(axes, rows, strict=True):
        pictures = [*example.sources, *example.fused.values()]
        for axis, title, picture in zip(line, titles, pictures, strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set_title(f"{title}\n{example.name}" if title == titles[0] else title, fontsize=9)
            axis.axis("off")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)
