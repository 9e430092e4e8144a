"""Where a volume is much finer than the grid that it is brought onto, and what cubes would keep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from mactfusion.transforms.index_map import ROUNDING, partner_steps
from mactfusion.transforms.slices import CLEARLY_THICKER
from mactfusion.transforms.volume import is_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monai.data import MetaTensor

MUCH_FINER = 2.0
"""Voxels of the partner in one of the grid, above which what is averaged is said."""

MOST_VOXELS = 2**29
"""Of an isotropic grid: a run holds several volumes of that size, each of 2 GB then."""

_ROUNDING = 1e-3
"""In voxels, and as a share of a spacing; spacings in file headers are rounded."""


class Fineness(NamedTuple):
    """A partner that is much finer than a grid.

    Attributes:
        partner_mm: between its voxels along the axis of the grid that loses most.
        grid_mm: between those of the grid.
        cubes_mm: edge of the cubic voxels that would lose less; None where there are none, or
            they would be too many.
    """

    partner_mm: float
    grid_mm: float
    cubes_mm: float | None


def much_finer(partner: MetaTensor, anatomical: MetaTensor) -> Fineness | None:
    """Tell where a partner has more than :data:`MUCH_FINER` voxels in one of a grid.

    Of several such axes the coarsest of the grid counts.

    Args:
        partner: ``(C, I', J', K')`` as read.
        anatomical: ``(1, I, J, K)``, gives the grid.

    Returns:
        None where there is no such axis, and for pictures.
    """
    if is_picture(anatomical) or is_picture(partner):
        return None
    index_map = torch.linalg.solve(partner.affine.double(), anatomical.affine.double())
    steps = partner_steps(index_map)
    grid_mm = spacing_mm(anatomical)
    is_much = steps > MUCH_FINER * (1 + ROUNDING)
    if not is_much.any():
        return None
    axis = int(grid_mm.where(is_much, 0).argmax())
    edge_mm = float(grid_mm.min())
    is_thick = float(grid_mm[axis]) > CLEARLY_THICKER * edge_mm
    fits = math.prod(cube_counts(anatomical)) <= MOST_VOXELS
    return Fineness(
        partner_mm=float(grid_mm[axis] / steps[axis]),
        grid_mm=float(grid_mm[axis]),
        cubes_mm=edge_mm if is_thick and fits else None,
    )


def spacing_mm(volume: MetaTensor) -> torch.Tensor:
    """Return the distance between neighbours along each axis, ``(3,)`` float64."""
    return torch.linalg.vector_norm(volume.affine.double()[:3, :3], dim=0)


def cube_shares(volume: MetaTensor) -> torch.Tensor:
    """Return the edge of cubes of the finest spacing as shares of each axis' own, ``(3,)``."""
    spacing = spacing_mm(volume)
    share = spacing.min() / spacing
    share[share > 1 - _ROUNDING] = 1.0  # else one voxel more, and all of them half a voxel off
    return share


def cube_counts(volume: MetaTensor) -> Sequence[int]:
    """Return how many such cubes fill the field of view along each axis."""
    shape = torch.tensor(volume.shape[1:], dtype=torch.float64)
    return [int(count) for count in (shape / cube_shares(volume) - _ROUNDING).ceil()]
