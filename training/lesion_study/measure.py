"""Lesions put into pairs of slices, and how many of them each method loses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mactfusion.transforms.brightness import steady_gain
from mactfusion.trust.lesions import (
    LESIONS,
    LOST_BELOW,
    draw_spots,
    kept_share,
    put_lesions,
)
from training.lesion_study.methods import RULES
from training.lesion_study.places import draw_places
from training.lesion_study.sources import VOLUMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from torch import Tensor

    from training.lesion_study.methods import Method
    from training.lesion_study.sources import SlicePair

CHANNELS = {
    "ct-mri": ("MR", "CT"),
    "pet-mri": ("MR", "PET"),
    "spect-mri": ("MR", "SPECT"),
    "pet-ct": ("CT", "PET"),
    "spect-ct": ("CT", "SPECT"),
    "mr-mr": ("T1", "FLAIR"),
}
"""Task to what the two sources are."""
ONLY_IN = {"mr-mr": ("FLAIR",)}
"""Of these tasks lesions are put into these sources alone."""


@dataclass(frozen=True)
class Measured:
    """One kind of lesion in one source of one pair of slices, fused by one method.

    Attributes:
        task: such as ``ct-mri``.
        source: what the lesions were put into, such as CT.
        origin: where the slices are from.
        kind: key of :data:`~mactfusion.trust.lesions.LESIONS`.
        method: its name.
        places: lesions that the source shows.
        lost: how many of them the fused slice has lost.
    """

    task: str
    source: str
    origin: str
    kind: str
    method: str
    places: int
    lost: int


def measure(
    pair: SlicePair, methods: Mapping[str, Method], places: int, rng: np.random.Generator
) -> Iterator[Measured]:
    """Put each kind of lesion at the same places of one source at a time, and fuse.

    All places of a slice get their lesion at once.

    Args:
        pair: the slices.
        methods: name to method; those of :data:`~training.lesion_study.methods.RULES` by their
            names there, all others are networks.
        places: how many, at most.
        rng: draws them.
    """
    centres, angles = draw_places(pair, places, rng)
    if not len(centres):
        return
    size = (pair.sources.shape[-2], pair.sources.shape[-1])
    plain = {name: _fuse(name, method, pair.sources, pair) for name, method in methods.items()}
    channels = CHANNELS[pair.task]
    for source in ONLY_IN.get(pair.task, channels):
        channel = channels.index(source)
        before = pair.sources[:, channel : channel + 1]
        for kind, lesion in LESIONS.items():
            spots = draw_spots(lesion, centres, angles, size, pair.spacing_mm)
            after = put_lesions(before, spots.share.amax(dim=0, keepdim=True), lesion.change)
            changed = pair.sources.clone()
            changed[:, channel : channel + 1] = after
            for name, method in methods.items():
                fused = (_fuse(name, method, changed, pair), plain[name])
                kept = kept_share(fused, (after, before), spots, lesion.change)
                shown = kept[~kept.isnan()]
                lost = int((shown < LOST_BELOW).sum())
                yield Measured(pair.task, source, pair.origin, kind, name, len(shown), lost)


def _fuse(name: str, method: Method, sources: Tensor, pair: SlicePair) -> Tensor:
    return steadied(name, method, sources, pair.origin)


def steadied(name: str, method: Method, sources: Tensor, origin: str) -> Tensor:
    """Fuse as the recipe does: slices of a volume that a network gives are steadied, then clipped.

    Where both sources are bright, a network may go beyond 1; clipped before, lesions would be lost
    here that a user sees.

    Args:
        name: of the method.
        method: what to fuse with.
        sources: ``(N, 2, H, W)`` in [0, 1].
        origin: whether they are slices of a volume.
    """
    with torch.no_grad():
        fused = method(sources)
    if origin == VOLUMES and name not in RULES:
        fused = fused.clamp_min(0)
        fused = fused * steady_gain(fused[:, 0], sources.amax(dim=1))[:, None, None, None]
    return fused.clamp(0, 1)
