"""Pictures of a comparison: box plots, chart of ranks, and sheets of fused pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mactfusion.io.atomic import atomic_path
from mactfusion.metrics import RANKING
from training.comparison.pages import rank_methods
from training.comparison.scores import evenly_spaced, read_fused, read_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from training.comparison.scores import Method, Pair, Picture, TaskScores

OURS_COLOR, OTHERS_COLOR = "tab:blue", "0.75"
SHEET_PAIRS = 6
SHEET_PEERS = 3
HEADING_PIXELS = 24


def draw_boxes(task: str, scores: TaskScores, ours: str, path: Path) -> None:
    """Draw the distribution of each main metric over the pictures; best mean rank on top."""
    methods = list(reversed(rank_methods(scores)))
    figure, axes = plt.subplots(
        1, len(RANKING), figsize=(15, 1.2 + 0.26 * len(methods)), sharey=True
    )
    for axis, metric in zip(axes, RANKING, strict=True):
        values = [[v[metric] for v in scores[method].values()] for method in methods]
        boxes = axis.boxplot(values, orientation="horizontal", patch_artist=True, widths=0.7)
        for box, method in zip(boxes["boxes"], methods, strict=True):
            box.set_facecolor(OURS_COLOR if method == ours else OTHERS_COLOR)
        axis.set_title(metric, fontsize=11)
        axis.grid(axis="x", color="0.9")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(1, len(methods) + 1), methods)
    figure.suptitle(f"{task}: {len(scores[methods[0]])} pictures, best mean rank on top")
    _save(figure, path)


def draw_ranks(scores: Mapping[str, TaskScores], ours: str, path: Path) -> None:
    """Draw the mean rank of every method in every task."""
    figure, axes = plt.subplots(
        1,
        len(scores),
        figsize=(5 * len(scores), 1.2 + 0.24 * max(map(len, scores.values()))),
        squeeze=False,
    )
    for axis, (task, of_task) in zip(axes[0], scores.items(), strict=True):
        ranks = rank_methods(of_task)
        colors = [OURS_COLOR if method == ours else OTHERS_COLOR for method in ranks]
        bars = axis.barh(list(ranks), list(ranks.values()), color=colors)
        axis.bar_label(bars, fmt="%.1f", padding=3, fontsize=9)
        axis.invert_yaxis()
        axis.set_title(task, fontsize=11)
        axis.set_xlabel("mean rank over the five metrics, 1 is best")
        axis.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


def draw_sheets(
    task: str,
    scores: TaskScores,
    ours: str,
    methods: Mapping[str, Method],
    pairs: Sequence[Pair],
    folder: Path,
    zoom: int,
) -> None:
    """Write sources, ours and the best others side by side, for pairs spread evenly over the task.

    Args:
        task: pairs of other tasks are left out.
        scores: of the task.
        ours: shown first.
        methods: name to folder or rule.
        pairs: the sources.
        folder: gets ``TASK-NAME.png``.
        zoom: every pixel becomes a square of this many pixels.
    """
    others = [method for method in rank_methods(scores) if method != ours][:SHEET_PEERS]
    of_task = [pair for pair in pairs if pair.task == task]
    folder.mkdir(parents=True, exist_ok=True)
    for pair in (of_task[index] for index in evenly_spaced(len(of_task), SHEET_PAIRS)):
        sources = read_sources(pair)
        pictures = {"MR": sources[0], task.split("-")[0]: sources[1]}
        for method in (ours, *others):
            pictures[method] = read_fused(methods[method], pair, sources)
        with atomic_path(folder / f"{task}-{pair.name}") as temporary:
            _sheet(pictures, zoom).save(temporary)


def _sheet(pictures: Mapping[str, Picture], zoom: int) -> Image.Image:
    height, width = (zoom * edge for edge in next(iter(pictures.values())).shape)
    sheet = Image.new("L", (len(pictures) * (width + zoom) - zoom, height + HEADING_PIXELS), 255)
    draw = ImageDraw.Draw(sheet)
    for index, (name, picture) in enumerate(pictures.items()):
        left = index * (width + zoom)
        enlarged = np.kron(picture.astype("uint8"), np.ones((zoom, zoom), "uint8"))
        sheet.paste(Image.fromarray(enlarged), (left, HEADING_PIXELS))
        draw.text((left + 4, 4), name, fill=0, font=ImageFont.load_default(size=14))
    return sheet
