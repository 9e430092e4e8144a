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
    0.02. What leaves at one edge comes in at the opposite one, so that the statistics of the whole
    slice, which the network uses, stay the same. The strip that so changes sides is not compared:
    where tissue touches the edge, it would tell how the network treats a cut through tissue.

    Half a window of MACTFusion (4 pixels) and two windows (16, half a cell of its grid at 256
    pixels) are the moves to report. The definition is this project's. The authors' published
    network gives 0.0055 and 0.036 (mean and percentile, 4 pixels), 0.0026 and 0.018 (16 pixels) on
    six of the public CT-MRI test pairs, evenly spaced, averaged over pairs.

    Args:
        fuse: takes ``(B, 2, H, W)`` and gives ``(B, 1, H, W)``; the result is clipped to [0, 1].
        sources: ``(B, 2, H, W)`` in [0, 1].
        shift: pixels, along both axes; up and to the left where negative.

    Returns:
        Both figures for each picture; NaN for a picture without foreground that is compared.

    Raises:
        InputError: ``shift`` moves nothing, or everything out of the picture.

    Example:
        >>> brighter = lambda x: x.amax(dim=1, keepdim=True)
        >>> shift_consistency(brighter, torch.rand(1, 2, 32, 32)).mean.item()
        0.0
    """
    height, width = sources.shape[-2:]
    if not 0 < abs(shift) < min(height, width):
        raise InputError(f"A shift by {shift} pixels cannot be compared in {height} x {width}.")
    with torch.no_grad():
        still = fuse(sources).clamp(0, 1)
        moved = fuse(sources.roll((shift, shift), dims=(-2, -1))).clamp(0, 1)
    change = (still - moved.roll((-shift, -shift), dims=(-2, -1))).abs().float()
    change[sources.amax(dim=1, keepdim=True) <= FOREGROUND] = torch.nan
    rows, columns = (slice(max(0, -shift), size - max(0, shift)) for size in (height, width))
    values = change[..., rows, columns].flatten(1)
    return ShiftConsistency(values.nanmean(dim=1), values.nanquantile(0.99, dim=1))
