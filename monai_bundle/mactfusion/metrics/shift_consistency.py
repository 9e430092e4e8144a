"""Shift consistency: how much a fused picture changes when its sources move."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

FOREGROUND = 0.02
"""Brighter source above which a pixel counts; nearly black air says nothing about windows."""


class ShiftConsistency(NamedTuple):
    """Change of each picture, ``(B,)``, as a share of the full scale; 0 is best.

    Attributes:
        mean: mean absolute difference over the foreground.
        percentile_99: its 99th percentile, where borders of windows show.
    """

    mean: Tensor
    percentile_99: Tensor


def shift_consistency(
    fuse: Callable[[Tensor], Tensor], sources: Tensor, shift: int = 4
) -> ShiftConsistency:
    """Fuse, fuse again with both sources moved, move that back, and compare.

    Attention in windows and on a grid cuts a picture at fixed places, so that the result depends
    on where the patient lies. With T the move by ``shift`` pixels down and to the right, the
    difference is ``|clip(F(x)) - T⁻¹ clip(F(T x))|`` on pixels where the brighter source is above
    0.02. No pixel is lost: what leaves at one edge comes in at the opposite one, so that the
    statistics of the whole slice, which the network uses, stay the same. Tissue that touches an
    edge meets other neighbours there; that counts, and shows in the percentile of long moves.

    Half a window of MACTFusion (4 pixels) and two windows (16, half a cell of its grid at 256
    pixels) are the moves to report. The definition is this project's. The authors' published
    network gives 0.0056 and 0.036 (mean and percentile, 4 pixels), 0.0032 and 0.032 (16 pixels) on
    six of the public CT-MRI test pairs, averaged over pairs.

    Args:
        fuse: takes ``(B, 2, H, W)`` and gives ``(B, 1, H, W)``; the result is clipped to [0, 1].
        sources: ``(B, 2, H, W)`` in [0, 1].
        shift: pixels, along both axes.

    Returns:
        Both figures for each picture; NaN for a picture without foreground.

    Raises:
        InputError: ``shift`` leaves a picture as it is.

    Example:
        >>> brighter = lambda x: x.amax(dim=1, keepdim=True)
        >>> shift_consistency(brighter, torch.rand(1, 2, 32, 32)).mean.item()
        0.0
    """
    if not all(shift % size for size in sources.shape[-2:]):
        raise InputError(f"A shift by {shift} pixels does not move {tuple(sources.shape[-2:])}.")
    with torch.no_grad():
        still = fuse(sources).clamp(0, 1)
        moved = fuse(sources.roll((shift, shift), dims=(-2, -1))).clamp(0, 1)
    change = (still - moved.roll((-shift, -shift), dims=(-2, -1))).abs().float()
    foreground = sources.amax(dim=1, keepdim=True) > FOREGROUND
    values = change.masked_fill(~foreground, torch.nan).flatten(1)
    return ShiftConsistency(values.nanmean(dim=1), values.nanquantile(0.99, dim=1))
