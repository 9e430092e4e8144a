"""Values of a volume at the voxels of another grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.networks.utils import to_norm_affine
from torch.nn import functional

from mactfusion.transforms.index_map import ROUNDING, are_parallel, corners, moves, translation

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_inside(
    index_map: torch.Tensor, shape: Sequence[int], partner_shape: Sequence[int]
) -> torch.Tensor:
    """Tell for each voxel ``(I, J, K)`` whether its centre lies in a voxel of the partner.

    Args:
        index_map: 4x4 from indices of a grid to indices of the partner.
        shape: ``(I, J, K)`` of the grid.
        partner_shape: of the partner.
    """
    inside = torch.ones(tuple(reversed(shape)), dtype=torch.bool).permute(2, 1, 0)
    rows, columns, layers = (torch.arange(size, dtype=torch.float64) for size in shape)
    axes = rows[:, None, None], columns[None, :, None], layers[None, None, :]
    moved = moves(index_map, shape)
    for weights, moved_along, size in zip(index_map[:3], moved, partner_shape, strict=True):
        index = weights[3]
        for weight, axis, is_moved in zip(weights, axes, moved_along, strict=False):
            if is_moved:
                index = index + weight * axis
        inside &= lies_in(index, size)
    return inside


def lies_in(index: torch.Tensor, size: int) -> torch.Tensor:
    """Tell which indices along an axis lie in one of its voxels."""
    return (index >= -0.5 - ROUNDING) & (index <= size - 0.5 + ROUNDING)


def interpolate(
    voxels: torch.Tensor, index_map: torch.Tensor, shape: Sequence[int]
) -> torch.Tensor:
    """Interpolate linearly from the part of the partner that counts.

    Args:
        voxels: ``(C, I', J', K')`` of the partner; beyond its outermost centres it is continued.
        index_map: 4x4 from indices of a grid to indices of ``voxels``.
        shape: ``(I, J, K)`` of the grid.

    Returns:
        ``(C, I, J, K)``, float64.
    """
    ends = (index_map @ corners(shape))[:3]
    sizes = torch.tensor(voxels.shape[1:])
    first = (ends.amin(dim=1).floor().long() - 1).clamp(min=0).minimum(sizes - 1)
    last = (ends.amax(dim=1).ceil().long() + 1).clamp(min=0).minimum(sizes - 1)
    part = (slice(None), *(slice(a, b + 1) for a, b in zip(first, last, strict=True)))
    source = voxels[part].double()[None].contiguous()
    # Corners not aligned: an axis with a single voxel then still has a width of one voxel.
    theta = to_norm_affine(
        (translation((-first).tolist()) @ index_map)[None], source.shape[2:], tuple(shape)
    )
    theta = theta[:, :3].flip(1)[..., [2, 1, 0, 3]]  # the last axis is the first for PyTorch
    grid = _grid(theta, moves(index_map, shape), shape).permute(0, 3, 2, 1, 4)
    found = functional.grid_sample(source, grid, padding_mode="border", align_corners=False)
    return found[0].permute(0, 3, 2, 1)


def _grid(theta: torch.Tensor, moved: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return where ``theta`` leads the voxels of a grid, ``(1, I, J, K, 3)``."""
    if not are_parallel(moved):
        return functional.affine_grid(theta, [1, 1, *shape], align_corners=False)
    # The axes of both grids are parallel: each coordinate is the same for all of a plane.
    grid = torch.empty((1, *reversed(shape), 3), dtype=theta.dtype).permute(0, 3, 2, 1, 4)
    for place, moved_along in enumerate(moved.flip(0)):
        line = torch.tensor(shape).where(moved_along, 1).tolist()
        along = functional.affine_grid(theta, [1, 1, *line], align_corners=False)
        grid[..., place] = along[..., place]
    return grid
