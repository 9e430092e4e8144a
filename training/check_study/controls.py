"""Pairs of which it is known that much, or nothing, is lost or invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mactfusion.structure.marks import Marks, mark
from mactfusion.structure.traces import repeated
from mactfusion.trust.lesions import LESIONS, draw_spots, put_lesions
from training.check_study.measure import fuse, seen_sources
from training.lesion_study.places import draw_places
from training.lesion_study.sources import SlicePair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from training.check_study.pairs import CheckedPair
    from training.lesion_study.methods import Method

SHIFT_MM = 10.0
RIGHT, SHIFTED, WRONG = "the pair itself", "partner shifted by 10 mm", "partner of another slice"
ALONE, TWICE = "a source fused with nothing", "a source fused with itself"
INVENTED = "a lesion that no source has"
PUT = ("hot, 12 mm", "hot, 5 mm", "cold, 12 mm")


@dataclass(frozen=True)
class Control:
    """What the check says of one pair whose truth is known.

    Attributes:
        half: as of :class:`~training.check_study.measure.Judged`.
        task: such as ``ct-mri``.
        what: one of the names above.
        lost: share of the structure of the source in question that is marked as lost.
        invented: share of the places, or of the picture, that is marked as invented.
    """

    half: int
    task: str
    what: str
    lost: float
    invented: float


def controls(
    pair: CheckedPair, other: CheckedPair, half: int, method: Method, seed: int
) -> Iterator[Control]:
    """Check pairs whose truth is known, fused by one method.

    Args:
        pair: the slices.
        other: another slice of the same origin and task.
        half: see :class:`Control`.
        method: what fuses them.
        seed: of the places of what is invented.
    """
    case = pair.joined()
    sources = seen_sources(case)
    colors = fuse(pair, case, "default", method)
    spacing = pair.spacing_mm

    def control(what: str, marks: Marks, source: int = 1) -> Control:
        own = marks.own[source]
        lost = float((own * marks.is_lost[source]).sum() / max(own.sum(), 1e-9))
        return Control(half, pair.task, what, lost, float(marks.is_new.mean()))

    yield control(RIGHT, _mark(colors, sources, spacing))
    pixels = round(SHIFT_MM / spacing[1])
    moved = sources.clone()
    moved[1] = torch.roll(sources[1], pixels, dims=-1)
    yield control(SHIFTED, _mark(colors, moved, spacing))
    others = seen_sources(other.joined())
    if others.shape == sources.shape:
        moved = sources.clone()
        moved[1] = others[1]
        yield control(WRONG, _mark(colors, moved, spacing))
    for what, second in ((ALONE, torch.zeros_like(sources[0])), (TWICE, sources[0])):
        both = torch.stack([sources[0], second])
        yield control(what, _mark(sources[:1], both, spacing), source=0)
    slices = SlicePair(pair.task, pair.origin, pair.sources, spacing)
    centres, angles = draw_places(slices, 8, np.random.default_rng(seed))
    size = (sources.shape[-2], sources.shape[-1])
    for kind in PUT if len(centres) else ():
        spots = draw_spots(LESIONS[kind], centres, angles, size, spacing)
        new = colors.clone()
        share = spots.share.amax(dim=0, keepdim=True)
        new[0] = put_lesions(colors[0][None], share, LESIONS[kind].change)[0]
        marks = _mark(new, sources, spacing)
        is_new = torch.from_numpy(repeated(marks.is_new, marks.steps, size))[0]
        for place in range(len(centres)):
            inside = spots.share[place, 0] > 0.5
            is_seen = bool((new[0, 0] - colors[0, 0])[inside].abs().mean() > LESS_IS_CLIPPED)
            if is_seen:
                yield Control(half, pair.task, INVENTED, 0.0, float(is_new[inside].any()))


LESS_IS_CLIPPED = 0.2
"""Mean change of a place below which the picture was too bright or dark to take the lesion."""


def _mark(colors: Tensor, sources: Tensor, spacing_mm: tuple[float, float]) -> Marks:
    return mark(colors.numpy(), sources.numpy(), spacing_mm)
