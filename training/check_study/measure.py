"""Lesions that a method lost or kept, and whether the check says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from mactfusion.structure.marks import mark
from mactfusion.structure.traces import repeated
from mactfusion.transforms.color import merge_colors
from mactfusion.transforms.volume import plain
from mactfusion.trust.lesions import (
    LEAST_SHOWN,
    LESIONS,
    Spots,
    contrast,
    draw_spots,
    put_lesions,
)
from mactfusion.trust.seen import seen, seen_levels
from training.lesion_study.measure import CHANNELS, steadied
from training.lesion_study.methods import OPACITY, SHOWN_FROM
from training.lesion_study.places import draw_places
from training.lesion_study.sources import SlicePair

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from mactfusion.case import Case
    from training.check_study.pairs import CheckedPair
    from training.lesion_study.methods import Method

LEAST_VISIBLE = 0.5
"""Share of its change of contrast that a lesion, with all that lies around it, must have in its
source: one that only fills a dark hole is nothing that a reader sees there."""
TOUCHED = 0.35
"""Share of the lesion that must be marked for it to count as flagged."""
INVENTED, SHIFTED, WRONG, SAME = "invented", "shifted by 10 mm", "another slice", "unchanged"


@dataclass(frozen=True)
class Judged:
    """One lesion in one source, fused by one method.

    Attributes:
        half: 0 to set thresholds by, 1 to report.
        task: such as ``ct-mri``.
        source: what it was put into, such as CT.
        origin: where the slices are from.
        kind: key of :data:`~mactfusion.trust.lesions.LESIONS`.
        method: its name.
        kept: what the fused picture shows of it, in lightness and colour, over what the source
            shows in lightness, 0 or more.
        marked: share of it that the check marks as lost, 0 to 1.
        estimate: mean of the share kept that the check sees in it; NaN where it sees no structure.
    """

    half: int
    task: str
    source: str
    origin: str
    kind: str
    method: str
    kept: float
    marked: float
    estimate: float


class Fused(NamedTuple):
    """What a method made of the slices of a pair, as a person sees it."""

    colors: Tensor
    sources: Tensor


def judge(
    pair: CheckedPair, half: int, methods: Mapping[str, Method], places: int, seed: int
) -> Iterator[Judged]:
    """Put each kind of lesion at the same places of one source at a time, fuse, and check.

    Args:
        pair: the slices.
        half: see :class:`Judged`.
        methods: name to method.
        places: how many, at most.
        seed: of the places.
    """
    slices = SlicePair(pair.task, pair.origin, pair.sources, pair.spacing_mm)
    centres, angles = draw_places(slices, places, np.random.default_rng(seed))
    if not len(centres):
        return
    before = pair.values
    size = (before.shape[-2], before.shape[-1])
    spots = {
        kind: draw_spots(lesion, centres, angles, size, pair.spacing_mm)
        for kind, lesion in LESIONS.items()
    }
    cases = [(channel, kind) for channel in (0, 1) for kind in LESIONS]
    stack = [before]
    for channel, kind in cases:
        changed = before.clone()
        share = spots[kind].share.amax(dim=0, keepdim=True)
        changed[channel] = put_lesions(before[channel][None, None], share, LESIONS[kind].change)[0]
        stack.append(changed)
    case = pair.joined(torch.stack(stack, dim=1))
    sources = seen_sources(case)
    for name, method in methods.items():
        colors = fuse(pair, case, name, method)
        marks = mark(colors.numpy(), sources.numpy(), pair.spacing_mm)
        is_lost = torch.from_numpy(repeated(marks.is_lost, marks.steps, size))
        has_own = torch.from_numpy(repeated(marks.own > 0, marks.steps, size))
        share = torch.from_numpy(repeated(marks.kept, marks.steps, size))
        for number, (channel, kind) in enumerate(cases, start=1):
            kept = true_share(
                (sources[channel, number], sources[channel, 0]),
                (colors[:, number], colors[:, 0]),
                spots[kind],
                LESIONS[kind].change,
            )
            for place, value in enumerate(kept.tolist()):
                if np.isnan(value):
                    continue
                inside = _inside(spots[kind].share[place, 0])
                own = has_own[channel, number][inside]
                estimate = share[channel, number][inside][own]
                yield Judged(
                    half=half,
                    task=pair.task,
                    source=CHANNELS[pair.task][channel],
                    origin=pair.origin,
                    kind=kind,
                    method=name,
                    kept=value,
                    marked=float(is_lost[channel, number][inside].float().mean()),
                    estimate=float(estimate.mean()) if len(estimate) else float("nan"),
                )


def seen_sources(case: Case) -> Tensor:
    """Return the lightness of both sources, ``(2, N, H, W)``."""
    return torch.cat([seen(plain(case["image"])[:1]), seen_levels(case["scaled"][0])])


def fuse(pair: CheckedPair, case: Case, name: str, method: Method) -> Tensor:
    """Fuse as the recipe does and return what a person sees, ``(1 or 3, N, H, W)``."""
    image = plain(case["image"]).transpose(0, 1)
    if name == "blending" and case["is_color"]:
        colors = _blended(image, plain(case["chrominance"]))
    else:
        colors = pair.colored(case, steadied(name, method, image, pair.origin))
    return seen(colors)


def _blended(image: Tensor, chrominance: Tensor) -> Tensor:
    """Lay the coloured partner over the grey anatomical source, as viewers do."""
    anatomical, luminance = image.transpose(0, 1).split(1)
    partner = merge_colors(luminance, chrominance)
    return anatomical + OPACITY * (luminance > SHOWN_FROM) * (partner - anatomical)


def true_share(
    source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor], spots: Spots, change: float
) -> Tensor:
    """Return what is kept of each lesion, ``(N,)``; NaN where the source itself does not show it.

    Args:
        source: lightness with the lesions and without them, ``(H, W)`` each.
        fused: lightness, or lightness and colour, likewise ``(C, H, W)``.
        spots: the places.
        change: that was put in.
    """
    in_source = contrast((source[0] - source[1])[None, None], spots)
    visible = contrast(source[0][None, None], spots) / in_source
    is_shown = (in_source / change >= LEAST_SHOWN) & (visible >= LEAST_VISIBLE)
    in_source = in_source.where(is_shown, 1.0)
    lightness, *colors = (
        contrast(channel[None, None], spots) / in_source for channel in fused[0] - fused[1]
    )
    squares = [lightness.clamp_min(0) ** 2, *(color**2 for color in colors)]
    return torch.stack(squares).sum(dim=0).sqrt().where(is_shown, torch.nan)


def _inside(share: Tensor) -> Tensor:
    inside = share > 0.5
    return inside if inside.any() else share > 0
