"""Small bright structure of a fine volume that a coarser grid shows fainter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from mactfusion.transforms.fineness import spacing_mm
from mactfusion.transforms.slabs import SLAB_VOXELS
from mactfusion.transforms.volume import percentile, plain, sample_voxels

if TYPE_CHECKING:
    from monai.data import MetaTensor
    from torch import Tensor

AROUND_MM = 8.0
"""Half of the edge of the box that is the surroundings of a place."""
MOST_FOUND = 2000
LEAST_CONTRAST = 0.02
"""Of the range of the volume, below which a peak is none."""
ABOVE_NOISE = 6.0
"""Standard deviations of the noise, likewise."""
FAINTER = 0.5
"""Share of its contrast below which a peak on the coarser grid is kept in the list; in a window
that clips it the share will be another."""
_HALF_RUN = 8
"""Voxels to either side, in which the size of a peak is measured."""


class Small(NamedTuple):
    """Columns of what is found: all in millimetres or in the volume's own values."""

    right: Tensor
    anterior: Tensor
    superior: Tensor
    peak: Tensor
    around: Tensor
    coarse: Tensor
    size: Tensor


def find_small(fine: MetaTensor, coarse: MetaTensor) -> Tensor:
    """Find peaks of a volume that are fainter in the same volume on a coarser grid.

    In blocks of as many voxels as one of the coarser grid holds, the highest value is compared
    with the highest one around that place on the coarser grid, both above the mean around it there.

    Args:
        fine: ``(1, I', J', K')``.
        coarse: ``(1, I, J, K)``.

    Returns:
        ``(N, 7)`` float32, columns as in :class:`Small`, the strongest first.
    """
    voxels, on_grid = plain(fine)[0], plain(coarse)[0].float()
    to_grid = torch.linalg.solve(coarse.affine.double(), fine.affine.double())
    steps = torch.linalg.vector_norm(to_grid[:3, :3], dim=0)
    block = [
        min(count, max(1, int((1 / step).round())))
        for step, count in zip(steps, voxels.shape, strict=True)
    ]
    least = max(ABOVE_NOISE * _noise(voxels), LEAST_CONTRAST * _range(voxels))
    reach = [max(1, round(AROUND_MM / float(mm))) for mm in spacing_mm(coarse)]
    around = _box(on_grid, reach)
    highest = _highest(on_grid)
    found = []
    planes = block[0] * max(1, SLAB_VOXELS // (voxels.shape[1] * voxels.shape[2] * block[0]))
    for start in range(0, len(voxels), planes):
        slab = voxels[start : start + planes].float().contiguous()
        peaks, places = functional.max_pool3d(
            slab[None, None], block, block, ceil_mode=True, return_indices=True
        )
        peaks, places = peaks.flatten(), places.flatten()
        # Most blocks are flat; where these peaks lie is asked of the others alone.
        is_high = peaks > slab.mean() if least > 0 else torch.ones_like(peaks, dtype=torch.bool)
        peaks, places = peaks[is_high], places[is_high]
        index = torch.stack(torch.unravel_index(places, slab.shape)).double()
        index[0] += start
        near = (to_grid[:3, :3] @ index + to_grid[:3, 3:]).round_().long()
        size = torch.tensor(on_grid.shape)[:, None]
        inside = ((near >= 0) & (near < size)).all(dim=0)
        near, peaks, index = near[:, inside], peaks[inside], index[:, inside]
        base, seen = around[tuple(near)], highest[tuple(near)]
        contrast = peaks - base
        is_small = (contrast >= least) & (seen - base < FAINTER * contrast)
        if is_small.any():
            position = fine.affine.double()[:3] @ torch.cat([index, torch.ones_like(index[:1])])
            columns = [*position, peaks, base, seen, *index]
            found.append(torch.stack([column.double()[is_small] for column in columns], dim=1))
    if not found:
        return torch.zeros(0, len(Small._fields))
    rows = torch.cat(found)
    rows = rows[(rows[:, 4] - rows[:, 3]).argsort()[:MOST_FOUND]]
    size_mm = _sizes(voxels, rows[:, 6:].long(), (rows[:, 3] + rows[:, 4]) / 2, spacing_mm(fine))
    return torch.cat([rows[:, :6], size_mm[:, None]], dim=1).float()


def _range(voxels: Tensor) -> float:
    sample = sample_voxels(voxels).float()
    return percentile(sample, 0.999) - percentile(sample, 0.001)


def _noise(voxels: Tensor) -> float:
    """Estimate the noise of the brighter half from neighbours along the rows."""
    middle = len(voxels) // 2
    some = voxels[max(0, middle - 8) : middle + 8].float()
    both = (some[..., 1:] + some[..., :-1]) / 2
    difference = (some[..., 1:] - some[..., :-1]).abs()[both > some.mean()]
    return float(difference.median()) / (0.6745 * 2**0.5) if difference.numel() else 0.0


def _box(volume: Tensor, reach: list[int]) -> Tensor:
    """Average a volume over a box of ``2 reach + 1`` voxels around each, fewer at an edge."""
    result = volume[None, None]
    for axis, half in enumerate(reach):
        count = volume.shape[axis]
        size, padding, shape = [1, 1, 1], [0] * 6, [1, 1, 1]
        size[axis], shape[axis] = 2 * half + 1, count
        padding[2 * (2 - axis) : 2 * (2 - axis) + 2] = half, half
        place = torch.arange(count)
        seen = (place + half).clamp(max=count - 1) - (place - half).clamp(min=0) + 1
        total = functional.avg_pool3d(functional.pad(result, padding), size, 1)
        result = total * ((2 * half + 1) / seen).reshape(shape)
    return result[0, 0]


def _highest(volume: Tensor) -> Tensor:
    """Return the highest value of each voxel and its neighbours."""
    result = volume[None, None]
    for axis in range(3):
        size, padding = [1, 1, 1], [0, 0, 0]
        size[axis], padding[axis] = 3, 1
        result = functional.max_pool3d(result, size, 1, padding)
    return result[0, 0]


def _sizes(voxels: Tensor, index: Tensor, half: Tensor, spacing: Tensor) -> Tensor:
    """Return the longest run through each peak, along an axis, above half of its height, in mm."""
    longest = torch.zeros(len(index), dtype=torch.float64)
    for axis in range(3):
        run = torch.ones(len(index), dtype=torch.float64)
        for sign in (-1, 1):
            goes_on = torch.ones(len(index), dtype=torch.bool)
            for step in range(1, _HALF_RUN + 1):
                place = index.clone()
                place[:, axis] += sign * step
                goes_on &= (place[:, axis] >= 0) & (place[:, axis] < voxels.shape[axis])
                place[:, axis].clamp_(0, voxels.shape[axis] - 1)
                goes_on &= voxels[tuple(place.T)] > half
                run += goes_on
        longest = torch.maximum(longest, run * spacing[axis])
    return longest
