"""From the indices of one grid to those of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDING = 1e-3
"""In voxels. Affines in file headers are rounded to float32, which moves a far voxel by less."""

_NEGLIGIBLE = 1e-9
"""In voxels: what is left of a zero after matrices were solved and multiplied."""


def is_same_grid(
    index_map: torch.Tensor, shape: Sequence[int], partner_shape: Sequence[int]
) -> bool:
    """Tell whether both grids have the same shape and every corner in the same place.

    Args:
        index_map: 4x4 float64 from indices of one grid to indices of the other.
        shape: ``(I, J, K)`` of the first.
        partner_shape: of the second.
    """
    if tuple(shape) != tuple(partner_shape):
        return False
    ends = corners(shape)
    return bool(((index_map @ ends - ends).abs() < ROUNDING).all())


def corners(shape: Sequence[int]) -> torch.Tensor:
    """Return the outermost indices of a grid as homogeneous columns ``(4, 8)``, float64."""
    ends = [torch.tensor([0.0, size - 1.0], dtype=torch.float64) for size in shape]
    found = torch.cartesian_prod(*ends).T
    return torch.cat([found, torch.ones(1, found.shape[1], dtype=torch.float64)])


def moves(index_map: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Tell which index of the partner (row) changes along which axis of a grid (column)."""
    return index_map[:3, :3].abs() * torch.tensor(shape) > _NEGLIGIBLE


def are_parallel(moved: torch.Tensor) -> bool:
    """Tell by :func:`moves` whether each index changes along no more than one axis."""
    return bool((moved.sum(dim=1) <= 1).all())


def partner_steps(index_map: torch.Tensor) -> torch.Tensor:
    """Return how many voxels of the partner one step along each axis of a grid is, ``(3,)``."""
    return torch.linalg.vector_norm(index_map[:3, :3], dim=0)


def translation(offset: Sequence[float]) -> torch.Tensor:
    """Return the 4x4 float64 matrix that adds an offset to an index."""
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, 3] = torch.tensor(offset, dtype=torch.float64)
    return matrix
