"""How well uptake is read from the colours of fused pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mactfusion.transforms.color import merge_colors, rgb_to_ycbcr, split_table
from mactfusion.transforms.colormap import apply_color_table
from mactfusion.transforms.legible import luminance_of_legible
from mactfusion.transforms.oklab import srgb_to_oklab
from mactfusion.trust.readable import APART, rank_correlation
from training.comparison.scores import evenly_spaced
from training.five_metrics import mean_scores

if TYPE_CHECKING:
    from training.color_study.cases import Shown

TAKEN_UP = 0.15
"""Share of the window from which a voxel counts as one with uptake."""
BRIGHT = 0.85
"""Of the anatomical volume: white matter, fat, bone."""
COLORLESS = 0.02
"""ΔE_OK from grey below which nobody sees a colour."""
_LEAST_VOXELS = 50
"""Of a group in which a correlation is taken."""
_MR_STEPS, _UPTAKE_STEPS, _LUMINANCE_STEPS = 20, 255, 20
_CHROMA_STEP = 0.003
"""Of a and b, within which colours count as one."""
_SLICES = 4
"""That the five metrics are taken of."""


@dataclass(frozen=True)
class Readability:
    """What colours of one case in one mode say.

    Attributes:
        of_uptake: rank correlation of chroma with uptake, the anatomical volume held; mean of its
            20 groups by size.
        of_anatomy: of chroma with the anatomical volume, uptake held to one of 256 levels.
        error: of uptake read from a and b alone, median, as a share of the window.
        error_95: 95 % are at most this.
        difference: least ΔE_OK of two uptakes 10 % of the window apart, at each luminance of the
            fused picture that occurs with the lower.
        colorless: share of the voxels with uptake over bright anatomy that have no colour.
        losses: metric to what the luminance of the file loses against the fused one, a share.
    """

    of_uptake: float
    of_anatomy: float
    error: float
    error_95: float
    difference: float
    colorless: float
    losses: dict[str, float]


def readability(shown: Shown, colors: str) -> Readability:
    """Measure one case in one mode of colour."""
    takes_up = shown.uptake >= TAKEN_UP
    uptake, anatomical = shown.uptake[takes_up], shown.sources[0][takes_up]
    lab = srgb_to_oklab(shown.colored[colors][:, takes_up])
    chroma = lab[1:].norm(dim=0)
    error = (_read(lab[1:], uptake) - uptake).abs()
    is_bright = anatomical > BRIGHT
    colorless = (chroma[is_bright] < COLORLESS).float().mean() if is_bright.any() else torch.nan
    return Readability(
        of_uptake=_held(chroma, uptake, anatomical, _MR_STEPS),
        of_anatomy=_held(chroma, anatomical, uptake, _UPTAKE_STEPS),
        error=float(error.median()),
        error_95=float(np.quantile(error.numpy(), 0.95)),
        difference=_least_difference(shown, colors),
        colorless=float(colorless),
        losses=_losses(shown, colors),
    )


def luminance_in_file(rgb: torch.Tensor, colors: str) -> torch.Tensor:
    """Return the luminance that was fused, as far as colours ``(3, ...)`` hold it, ``(...)``."""
    return luminance_of_legible(rgb)[0] if colors == "legible" else rgb_to_ycbcr(rgb)[0]


def _held(first: torch.Tensor, second: torch.Tensor, held: torch.Tensor, steps: int) -> float:
    """Return the rank correlation within groups of a held variable, their mean by size."""
    groups = (held * steps).round().long()
    found, sizes = [], []
    for group in groups.unique():
        inside = groups == group
        if inside.sum() >= _LEAST_VOXELS:
            found.append(rank_correlation(first[inside], second[inside]))
            sizes.append(int(inside.sum()))
    return float(np.average(found, weights=sizes)) if found else float("nan")


def _read(chroma: torch.Tensor, uptake: torch.Tensor) -> torch.Tensor:
    """Read uptake as well as colours allow: the median of all voxels of one colour."""
    cells = (chroma / _CHROMA_STEP).round().long()
    _, cell = cells.unique(dim=1, return_inverse=True)
    order = np.lexsort((uptake.numpy(), cell.numpy()))
    in_order = cell.numpy()[order]
    starts = np.flatnonzero(np.diff(in_order, prepend=-1))
    counts = np.diff(np.append(starts, len(order)))
    medians = uptake.numpy()[order][starts + counts // 2]
    return torch.from_numpy(medians)[cell]


def _least_difference(shown: Shown, colors: str) -> float:
    takes_up = shown.uptake >= TAKEN_UP
    highest = 100 - APART
    values = (100 * shown.uptake[takes_up]).round().clamp(max=highest).long()
    luminances = (_LUMINANCE_STEPS * shown.fused[takes_up].clamp(0, 1)).round().long()
    occurring = torch.stack([values, luminances]).unique(dim=1)
    table = split_table(shown.tables[colors], colors)
    luminance = (occurring[1] / _LUMINANCE_STEPS)[None, None, None]
    labs = []
    for value in (occurring[0], occurring[0] + APART):
        chrominance = apply_color_table((value / 100)[None, None, None], table)[1:]
        rgb = merge_colors(luminance, chrominance, colors)
        labs.append(srgb_to_oklab((255 * rgb).round() / 255))
    return float((labs[0] - labs[1]).norm(dim=0).min())


def _losses(shown: Shown, colors: str) -> dict[str, float]:
    content = (shown.uptake >= TAKEN_UP).flatten(1).sum(dim=1)
    full = (content >= content.max() / 2).nonzero()[:, 0].tolist()
    places = [full[index] for index in evenly_spaced(len(full), _SLICES)]
    in_file = luminance_in_file(shown.colored[colors][:, places], colors)
    before, after = (
        mean_scores(
            (
                f"{shown.name}, slice {place}",
                tuple(
                    (255 * part).round().numpy()
                    for part in (luminance[number], *shown.sources[:, place])
                ),
            )
            for number, place in enumerate(places)
        )
        for luminance in (shown.fused[places].clamp(0, 1), in_file)
    )
    return {metric: 1 - after[metric] / value for metric, value in before.items()}
