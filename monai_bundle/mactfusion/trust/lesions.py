"""Lesions put into one source, and how much of them a fused picture keeps.

A lesion is a disk, a line or a pixel whose brightness differs from what is around it. It is put
into one of the two sources, both are fused with it and without it, and what it changes in the fused
picture is compared with what it changes in the source. All of it is torch, batched, and has a
gradient by the fused picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

LOST_BELOW = 0.3
"""Share of the source's change below which a lesion is lost."""
LEAST_SHOWN = 0.3
"""Share of the change that was put in below which the source itself, already white or black, does
not show the lesion."""
GAP_PIXELS, RING_PIXELS = 1, 3
"""Between a lesion and its ring, which a soft edge may reach; and how wide the ring is."""


@dataclass(frozen=True)
class Lesion:
    """What is put into a source.

    Attributes:
        shape: a ``line`` is one pixel wide, at any angle; a ``pixel`` is one pixel, whatever the
            spacing.
        change: of the source, whose full scale is 1; below 0 for a cold lesion.
        size_mm: diameter of a disk, length of a line; not used for a pixel.
    """

    shape: Literal["disk", "line", "pixel"]
    change: float
    size_mm: float = 0.0


CHANGE, LOW_CHANGE = 0.35, 0.08
"""Of the full scale: for lesions that one sees at once, and for those that one has to look for."""
LESIONS = {
    "hot, 12 mm": Lesion("disk", CHANGE, 12.0),
    "cold, 12 mm": Lesion("disk", -CHANGE, 12.0),
    "hot, 5 mm": Lesion("disk", CHANGE, 5.0),
    "low contrast, 12 mm": Lesion("disk", LOW_CHANGE, 12.0),
    "line": Lesion("line", CHANGE, 12.0),
    "pixel": Lesion("pixel", CHANGE),
}
"""The lesions that methods are measured with.

Their changes were chosen once, by how many the pixel maximum loses (docs/lost_lesions.md), and
stay: figures of other ones do not compare.
"""


class Spots(NamedTuple):
    """Where lesions lie, each in a picture of its own.

    Attributes:
        share: ``(N, 1, H, W)`` in [0, 1], the share of each pixel that a lesion covers.
        ring: ``(N, 1, H, W)``, 1 on what is around it and 0 elsewhere.
    """

    share: Tensor
    ring: Tensor


def draw_spots(
    lesion: Lesion,
    centres: Tensor,
    angles: Tensor,
    size: tuple[int, int],
    spacing_mm: tuple[float, float] = (1.0, 1.0),
) -> Spots:
    """Draw one lesion at each of N places.

    Args:
        lesion: what to draw. The edge of a disk is one pixel wide.
        centres: ``(N, 2)``, row and column.
        angles: ``(N,)`` of lines, in radians from the direction of the columns.
        size: H and W.
        spacing_mm: of rows and of columns.
    """
    rows, columns = (torch.arange(count, device=centres.device).float() for count in size)
    down = (rows[:, None] - centres[:, 0, None, None])[:, None]
    right = (columns[None] - centres[:, 1, None, None])[:, None]
    if lesion.shape == "disk":
        distance_mm = torch.hypot(down * spacing_mm[0], right * spacing_mm[1])
        pixel_mm = (spacing_mm[0] * spacing_mm[1]) ** 0.5
        share = ((lesion.size_mm / 2 - distance_mm) / pixel_mm + 0.5).clamp(0, 1)
    elif lesion.shape == "line":
        sine, cosine = (f(angles)[:, None, None, None] for f in (torch.sin, torch.cos))
        step_mm = torch.hypot(sine * spacing_mm[0], cosine * spacing_mm[1])
        along_mm = (down * sine + right * cosine).abs() * step_mm
        across = (down * cosine - right * sine).abs()
        share = ((across <= 0.5) & (along_mm <= lesion.size_mm / 2)).float()
    else:
        share = ((down.abs() <= 0.5) & (right.abs() <= 0.5)).float()
    covered = (share > 0).float()
    return Spots(share, _dilated(covered, GAP_PIXELS + RING_PIXELS) - _dilated(covered, GAP_PIXELS))


def _dilated(mask: Tensor, pixels: int) -> Tensor:
    # Rows, then columns, which takes a quarter of the time of both at once.
    for size, padding in (((2 * pixels + 1, 1), (pixels, 0)), ((1, 2 * pixels + 1), (0, pixels))):
        mask = functional.max_pool2d(mask, size, stride=1, padding=padding)
    return mask


def put_lesions(source: Tensor, share: Tensor, change: float) -> Tensor:
    """Add lesions to a source.

    Args:
        source: ``(B, 1, H, W)`` in [0, 1].
        share: that of :class:`Spots`, or the maximum of several places.
        change: that of :class:`Lesion`.

    Returns:
        The same shape, in [0, 1].
    """
    return (source + change * share).clamp(0, 1)


def contrast(picture: Tensor, spots: Spots) -> Tensor:
    """Mean of a picture over each lesion less its mean over the ring, ``(N,)``.

    Args:
        picture: ``(N, 1, H, W)``, or ``(1, 1, H, W)`` for N places in one picture.
        spots: the places.
    """
    inside, around = (
        (picture * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)) for mask in spots
    )
    return inside - around


def kept_share(
    fused: tuple[Tensor, Tensor], source: tuple[Tensor, Tensor], spots: Spots, change: float
) -> Tensor:
    """Share of each lesion's change of contrast in the source that the fused picture has.

    Args:
        fused: with the lesions and without them, each as for :func:`contrast`.
        source: the source that they were put into, likewise.
        spots: the places.
        change: that of the :class:`Lesion`.

    Returns:
        ``(N,)``: 1 where it is as strong as in the source, 0 where nothing is left, below 0 where
        bright became dark; NaN where the source itself does not show it (:data:`LEAST_SHOWN`). A
        lesion is lost below :data:`LOST_BELOW`.
    """
    in_source = contrast(source[0] - source[1], spots)
    is_shown = in_source / change >= LEAST_SHOWN
    kept = contrast(fused[0] - fused[1], spots) / in_source.where(is_shown, 1.0)
    return kept.where(is_shown, torch.nan)
