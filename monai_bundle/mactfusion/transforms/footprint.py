"""What the voxels of a grid cover of a finer volume, averaged."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import torch

from mactfusion.transforms import slabs
from mactfusion.transforms.index_map import (
    ROUNDING,
    are_parallel,
    moves,
    partner_steps,
    translation,
)
from mactfusion.transforms.sampling import interpolate, is_inside, lies_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Footprints:
    """The voxels of a grid as boxes in a partner, and the partner's mean in each.

    A box is cut along each axis of the grid into the least number of equal parts that are no
    longer than one voxel of the partner. Its mean is that of linear interpolation at the middle of
    each part; parts outside the partner's field of view do not count. Where the partner is as
    coarse as the grid, or coarser, there is one part: that is linear interpolation at the centre.

    Args:
        index_map: 4x4 float64 from indices of the grid to indices of the partner.
        shape: ``(I, J, K)`` of the grid.

    Attributes:
        parts: along each axis.
    """

    def __init__(self, index_map: torch.Tensor, shape: Sequence[int]) -> None:
        steps = partner_steps(index_map) * (1 - ROUNDING)
        self.parts = [max(1, math.ceil(step)) for step in steps.tolist()]
        self._index_map = index_map
        self._shape = tuple(shape)
        self._are_parallel = are_parallel(moves(index_map, shape))

    def pieces(self) -> Iterator[tuple[slice, slice, slice]]:
        """Cut the grid so that what :meth:`mean` needs for a piece stays small.

        Slabs of whole slices where the axes of both grids are parallel or nothing is averaged;
        else blocks, which an oblique box encloses closely.
        """
        count = math.prod(self.parts)
        if self._are_parallel or count == 1:
            finer = (self._shape[2], self._shape[1], count * self._shape[0])
            for slab in slabs.slabs(finer):
                yield slice(0, self._shape[0]), slice(0, self._shape[1]), slab
            return
        edge = max(1, round((slabs.SLAB_VOXELS / count) ** (1 / 3)))
        yield from product(*(_cut(size, edge) for size in self._shape))

    def index_map_of(self, piece: Sequence[slice]) -> torch.Tensor:
        """Return the 4x4 from indices of a piece to indices of the partner."""
        return self._index_map @ translation([axis.start for axis in piece])

    def mean(self, voxels: torch.Tensor, piece: Sequence[slice]) -> torch.Tensor:
        """Average the partner over each voxel of a piece.

        Args:
            voxels: ``(C, I', J', K')`` of the partner.
            piece: one of :meth:`pieces`.

        Returns:
            ``(C, I, J, K)`` of the piece, float64.
        """
        index_map = self.index_map_of(piece)
        shape = [axis.stop - axis.start for axis in piece]
        if math.prod(self.parts) == 1:
            return interpolate(voxels, index_map, shape)
        if self._are_parallel:
            return _along_axes(voxels, index_map, shape, self.parts)
        return _over_parts(voxels, index_map, shape, self.parts)


def _cut(size: int, edge: int) -> list[slice]:
    return [slice(start, min(start + edge, size)) for start in range(0, size, edge)]


def _over_parts(
    voxels: torch.Tensor, index_map: torch.Tensor, shape: Sequence[int], parts: Sequence[int]
) -> torch.Tensor:
    """Average over a grid of the parts of all boxes."""
    shares = 1 / torch.tensor([*parts, 1], dtype=torch.float64)
    to_box = torch.diag(shares)
    to_box[:3, 3] = (shares[:3] - 1) / 2
    part_map = index_map @ to_box
    part_shape = [size * count for size, count in zip(shape, parts, strict=True)]

    def total(values: torch.Tensor) -> torch.Tensor:
        for axis in (3, 2, 1):
            values = values.unflatten(axis, (shape[axis - 1], parts[axis - 1])).sum(axis + 1)
        return values

    inside = is_inside(part_map, part_shape, voxels.shape[1:])[None]
    found = total(interpolate(voxels, part_map, part_shape) * inside)
    count = total(inside.double())
    mean = found / count.clamp(min=1)
    # At an edge that is oblique to the grid a centre may lie inside though no part does.
    is_empty = count == 0
    return mean.where(~is_empty, interpolate(voxels, index_map, shape)) if is_empty.any() else mean


def _along_axes(
    voxels: torch.Tensor, index_map: torch.Tensor, shape: Sequence[int], parts: Sequence[int]
) -> torch.Tensor:
    """Do the same axis by axis, for parallel grids; that takes far fewer steps."""
    order = index_map[:3, :3].abs().argmax(dim=0).tolist()
    found = voxels.permute(0, *(1 + axis for axis in order))
    weights = []
    for axis, partner_axis in enumerate(order):
        row = _weights(
            index_map[partner_axis], axis, shape[axis], parts[axis], found.shape[1 + axis]
        )
        used = row.any(dim=0).nonzero()
        first, last = int(used[0]), int(used[-1]) + 1
        found = found.narrow(1 + axis, first, last - first)
        weights.append(row[:, first:last])
    found = found.double()
    found = torch.einsum("cxyz,kz->ckxy", found, weights[2])
    found = torch.einsum("ckxy,jy->ckjx", found, weights[1])
    return torch.einsum("ckjx,ix->ckji", found, weights[0]).permute(0, 3, 2, 1)


def _weights(row: torch.Tensor, axis: int, length: int, count: int, size: int) -> torch.Tensor:
    """Return the weight of each of the partner's ``size`` voxels in each of ``length`` boxes.

    Args:
        row: ``(4,)``, of the 4x4 from indices of the grid to that index of the partner.
        axis: of the grid, the only one along which that index changes.
        length: voxels of the grid along it.
        count: parts of each.
        size: voxels of the partner.
    """
    middles = (torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5
    index = row[3] + row[axis] * (torch.arange(length)[:, None] + middles)
    inside = lies_in(index, size)
    inside |= ~inside.any(dim=1, keepdim=True)  # beyond the field of view any value will do
    index = index.clamp(0, size - 1)
    below = index.floor().long()
    share = index - below
    weights = torch.zeros(length, size, dtype=torch.float64)
    weights.scatter_add_(1, below, (1 - share) * inside)
    weights.scatter_add_(1, (below + 1).clamp(max=size - 1), share * inside)
    return weights / inside.sum(dim=1, keepdim=True)
