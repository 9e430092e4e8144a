"""Lesions put into heads, and how the channels respond to them in each picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mactfusion.trust.lesions import (
    LEAST_SHOWN,
    LESIONS,
    Spots,
    contrast,
    draw_spots,
    put_lesions,
)
from training.lesion_study.places import APART_MM, draw_places
from training.lesion_study.sources import VOLUMES, SlicePair
from training.observer.channels import around, gabor_channels, respond
from training.observer.pictures import draw_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from training.lesion_study.methods import Method
    from training.observer.heads import Head

LESIONS_OF_A_PLACE = 2
"""In each source, of different kinds, each in a picture of its own."""


@dataclass(frozen=True)
class Responses:
    """What the channels say, of P places and M lesions in them.

    Attributes:
        head: of each place, its number, ``(P,)``.
        place: of each lesion, the number of its place, ``(M,)``.
        kind: of each lesion, its number in :data:`~mactfusion.trust.lesions.LESIONS`, ``(M,)``.
        source: of each lesion, 0 in the anatomical volume and 1 in its partner, ``(M,)``.
        absent: picture to ``(P, F)``, without lesions.
        present: picture to ``(M, F)``, with this one alone.
    """

    head: NDArray[np.intp]
    place: NDArray[np.intp]
    kind: NDArray[np.intp]
    source: NDArray[np.intp]
    absent: dict[str, NDArray[np.float64]]
    present: dict[str, NDArray[np.float64]]


def gather(
    heads: Iterable[Head], networks: Mapping[str, Method], places: int, rng: np.random.Generator
) -> Responses:
    """Put lesions of all kinds at random places, and look at each.

    Kinds alternate from place to place. A lesion that its source does not show
    (:data:`~mactfusion.trust.lesions.LEAST_SHOWN`), being white or black already, is left out.

    Args:
        heads: all of one task.
        networks: name to network.
        places: of a slice, at most; no lesion reaches the surroundings of another.
        rng: draws the places.
    """
    found: list[_Slice] = []
    for number, head in enumerate(heads):
        for scaled in head.scaled:
            one = SlicePair(head.task, VOLUMES, scaled[None], head.spacing_mm)
            centres, angles = draw_places(one, places, rng)
            if len(centres):
                first_kind = int(rng.integers(len(LESIONS)))
                found.append(_look(head, number, scaled, centres, angles, first_kind, networks))
    starts = np.cumsum([0, *(len(one.absent[next(iter(one.absent))]) for one in found)])
    names = found[0].absent
    return Responses(
        head=np.repeat([one.head for one in found], np.diff(starts)),
        place=np.concatenate(
            [one.place + start for one, start in zip(found, starts, strict=False)]
        ),
        kind=np.concatenate([one.kind for one in found]),
        source=np.concatenate([one.source for one in found]),
        absent={name: np.concatenate([one.absent[name] for one in found]) for name in names},
        present={name: np.concatenate([one.present[name] for one in found]) for name in names},
    )


@dataclass(frozen=True)
class _Slice:
    """As :class:`Responses`, of one slice."""

    head: int
    place: NDArray[np.intp]
    kind: NDArray[np.intp]
    source: NDArray[np.intp]
    absent: dict[str, NDArray[np.float64]]
    present: dict[str, NDArray[np.float64]]


def _look(
    head: Head,
    number: int,
    scaled: torch.Tensor,
    centres: torch.Tensor,
    angles: torch.Tensor,
    first_kind: int,
    networks: Mapping[str, Method],
) -> _Slice:
    states, labels = [scaled], []
    for source in (0, 1):
        for turn in range(LESIONS_OF_A_PLACE):
            kinds = (np.arange(len(centres)) + first_kind + turn * 3) % len(LESIONS)
            state, is_shown = _with_lesions(head, scaled, centres, angles, kinds, source)
            states.append(state)
            labels.append((source, kinds, is_shown))
    pictures = draw_pictures(torch.stack(states), head.task, networks)
    channels = gabor_channels(head.spacing_mm)
    size = (channels.shape[1], channels.shape[2])
    near = _near(size, head.spacing_mm)
    absent, present = {}, {}
    for name, picture in pictures.items():
        absent[name] = respond(around(picture[:, 0], centres, size), channels)
        present[name] = torch.cat(
            [
                (absent[name] + respond(around(changed, centres, size) * near, channels))[is_shown]
                for changed, (_, _, is_shown) in zip(
                    (picture[:, 1:] - picture[:, :1]).unbind(dim=1), labels, strict=True
                )
            ]
        ).numpy()
    return _Slice(
        head=number,
        place=np.concatenate([is_shown.nonzero()[0] for _, _, is_shown in labels]),
        kind=np.concatenate([kinds[is_shown] for _, kinds, is_shown in labels]),
        source=np.concatenate([np.full(is_shown.sum(), s) for s, _, is_shown in labels]),
        absent={name: responses.numpy() for name, responses in absent.items()},
        present=present,
    )


def _with_lesions(
    head: Head,
    scaled: torch.Tensor,
    centres: torch.Tensor,
    angles: torch.Tensor,
    kinds: NDArray[np.intp],
    source: int,
) -> tuple[torch.Tensor, NDArray[np.bool_]]:
    """Return the slice with a lesion of its kind at each place, and which of them one sees."""
    height, width = scaled.shape[-2:]
    before = scaled[None, source : source + 1]
    after = before
    is_shown = np.zeros(len(kinds), bool)
    for kind, lesion in enumerate(LESIONS.values()):
        of_kind = np.flatnonzero(kinds == kind)
        if not len(of_kind):
            continue
        spots = draw_spots(
            lesion, centres[of_kind], angles[of_kind], (height, width), head.spacing_mm
        )
        share = spots.share.amax(dim=0, keepdim=True)
        after = put_lesions(after, share, lesion.change)
        shown = contrast(after - before, Spots(spots.share, spots.ring)) / lesion.change
        is_shown[of_kind] = (shown >= LEAST_SHOWN).numpy()
    state = scaled.clone()
    state[source] = after[0, 0]
    return state, is_shown


def _near(size: tuple[int, int], spacing_mm: tuple[float, float]) -> torch.Tensor:
    """Mask what belongs to the place in the middle: nothing of another lesion."""
    down, right = (
        (torch.arange(count) - count // 2) * spacing
        for count, spacing in zip(size, spacing_mm, strict=True)
    )
    return torch.hypot(down[:, None], right[None]) < APART_MM / 2
