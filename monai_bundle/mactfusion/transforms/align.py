"""The partner on the grid of the anatomical volume, through both affines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.data import MetaTensor
from monai.networks.utils import to_norm_affine
from monai.transforms import Transform
from torch.nn import functional

from mactfusion.errors import InputError, note
from mactfusion.transforms.same import refuse_same
from mactfusion.transforms.slabs import slabs
from mactfusion.transforms.volume import (
    is_picture,
    name_of,
    new_voxels,
    noted,
    plain,
    with_voxels,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAME_GRID_TOLERANCE = 1e-3
"""In voxels. Affines in file headers are rounded to float32, which moves a far voxel by less."""

_NEGLIGIBLE = 1e-9
"""In voxels: what is left of a zero after matrices were solved and multiplied."""

_FULL_COVERAGE = 0.995


def align_to(partner: MetaTensor, anatomical: MetaTensor) -> tuple[MetaTensor, MetaTensor]:
    """Resample the partner onto the grid of the anatomical volume.

    Linear interpolation with coordinates and weights in float64. A voxel belongs to the partner's
    field of view when its centre lies in a voxel of the partner; in the outer half of the
    outermost voxels the value is continued. Outside, scalar volumes take their minimum and colour
    volumes black. On one common grid, and for two pictures of equal size, the voxels stay as they
    are, bit by bit.

    Args:
        partner: ``(C, I', J', K')``, C = 1 (native values) or 3 (RGB in [0, 1]).
        anatomical: ``(C, I, J, K)``, gives the grid.

    Returns:
        The partner ``(C, I, J, K)`` with the affine of the anatomical volume, and its field of
        view ``(1, I, J, K)``, bool.

    Raises:
        InputError: two pictures of different size, or a picture with a volume.
    """
    shape = tuple(anatomical.shape[1:])
    if _share_pixels(partner, anatomical):
        return _unchanged(partner, anatomical)
    index_map = torch.linalg.solve(partner.affine.double(), anatomical.affine.double())
    if is_same_grid(index_map, shape, tuple(partner.shape[1:])):
        return _unchanged(partner, anatomical)
    voxels, inside = _resample(plain(partner), index_map, shape)
    return (
        with_voxels(partner, voxels, anatomical.affine),
        MetaTensor(inside, affine=anatomical.affine.clone()),
    )


class AlignPartnerd(Transform):
    """Put ``partner`` on the grid of ``anatomical``; add ``field_of_view`` and ``coverage``.

    ``coverage`` is the share of the anatomical grid, 0 to 1, that the partner's field of view
    covers. Less than all of it is noted, none of it is an error; so is one volume in both roles.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Align the partner; see :func:`align_to`.

        Raises:
            InputError: the volumes do not overlap or are the same, or see :func:`align_to`.
        """
        result = dict(data)
        partner, anatomical = data["partner"], data["anatomical"]
        result["partner"], result["field_of_view"] = align_to(partner, anatomical)
        refuse_same([anatomical, result["partner"]])
        inside = plain(result["field_of_view"])
        coverage = int(inside.count_nonzero()) / inside.numel()
        if coverage == 0:
            distance_mm = torch.dist(_centre(partner), _centre(anatomical)).item()
            raise InputError(
                f"{name_of(partner)} and {name_of(anatomical)} do not overlap: their centres are "
                f"{distance_mm:.0f} mm apart; check that both belong to one patient, or register "
                "them first."
            )
        if coverage < _FULL_COVERAGE:
            note(
                result,
                f"The partner {noted(partner)} covers {100 * coverage:.1f} % of the anatomical "
                "volume; outside its field of view the result shows the anatomical volume alone.",
            )
        result["coverage"] = coverage
        return result


def _share_pixels(partner: MetaTensor, anatomical: MetaTensor) -> bool:
    """Tell whether both are pictures, which are laid over each other pixel by pixel."""
    if not is_picture(partner) and not is_picture(anatomical):
        return False
    names = f"{name_of(anatomical)} and {name_of(partner)}"
    if is_picture(partner) != is_picture(anatomical):
        raise InputError(
            f"Of {names} one is a picture without a place in the patient and one is a volume: "
            "give two pictures or two volumes."
        )
    (width, height, _), (partner_width, partner_height, _) = anatomical.shape[1:], partner.shape[1:]
    if (width, height) != (partner_width, partner_height):
        raise InputError(
            f"The pictures {names} differ in size ({width} x {height} and {partner_width} x "
            f"{partner_height} pixels): scale one of them to the other's size first."
        )
    return True


def _unchanged(partner: MetaTensor, anatomical: MetaTensor) -> tuple[MetaTensor, MetaTensor]:
    """Return the partner's own voxels under the anatomical affine, seen everywhere."""
    inside = torch.ones((1, *anatomical.shape[1:]), dtype=torch.bool)
    return (
        with_voxels(partner, partner, anatomical.affine),
        MetaTensor(inside, affine=anatomical.affine.clone()),
    )


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
    corners = _corners(shape)
    return bool(((index_map @ corners - corners).abs() < _SAME_GRID_TOLERANCE).all())


def _corners(shape: Sequence[int]) -> torch.Tensor:
    """Return the outermost indices of a grid as homogeneous columns ``(4, 8)``, float64."""
    ends = [torch.tensor([0.0, size - 1.0], dtype=torch.float64) for size in shape]
    corners = torch.cartesian_prod(*ends).T
    return torch.cat([corners, torch.ones(1, corners.shape[1], dtype=torch.float64)])


def _centre(volume: MetaTensor) -> torch.Tensor:
    """Return the middle of a volume in RAS+ millimetres."""
    return (volume.affine.double() @ _corners(volume.shape[1:])).mean(dim=1)[:3]


def _resample(
    voxels: torch.Tensor, index_map: torch.Tensor, shape: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Resample slab by slab along the last axis, which in memory is the outermost, as in files.

    Args:
        voxels: ``(C, I', J', K')`` of the partner.
        index_map: 4x4 from indices of the new grid to indices of ``voxels``.
        shape: ``(I, J, K)`` of the new grid.

    Returns:
        Voxels ``(C, I, J, K)``, float32, and field of view ``(1, I, J, K)``, bool.
    """
    background = 0.0 if len(voxels) == 3 else float(voxels.min())
    resampled = new_voxels((len(voxels), *reversed(shape))).permute(0, 3, 2, 1)
    field_of_view = new_voxels((1, *reversed(shape)), torch.bool).permute(0, 3, 2, 1)
    for slab in slabs(tuple(reversed(shape))):
        slab_shape = (*shape[:2], slab.stop - slab.start)
        slab_map = index_map @ _translation([0, 0, slab.start])
        inside = _inside(slab_map, slab_shape, voxels.shape[1:])
        field_of_view[0, ..., slab] = inside
        if inside.any():
            resampled[..., slab] = _interpolate(voxels, slab_map, slab_shape)
        if not inside.all():
            resampled[..., slab].masked_fill_(~inside, background)
    return resampled, field_of_view


def _inside(
    index_map: torch.Tensor, shape: Sequence[int], partner_shape: Sequence[int]
) -> torch.Tensor:
    """Tell for each voxel ``(I, J, K)`` whether its centre lies in a voxel of the partner."""
    inside = torch.ones(tuple(reversed(shape)), dtype=torch.bool).permute(2, 1, 0)
    rows, columns, layers = (torch.arange(size, dtype=torch.float64) for size in shape)
    axes = rows[:, None, None], columns[None, :, None], layers[None, None, :]
    moves = _moves(index_map, shape)
    for weights, moved_along, size in zip(index_map[:3], moves, partner_shape, strict=True):
        index = weights[3]
        for weight, axis, is_moved in zip(weights, axes, moved_along, strict=False):
            if is_moved:
                index = index + weight * axis
        inside &= (index >= -0.5 - _SAME_GRID_TOLERANCE) & (
            index <= size - 0.5 + _SAME_GRID_TOLERANCE
        )
    return inside


def _moves(index_map: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Tell which index of the partner (row) changes along which axis of a grid (column)."""
    return index_map[:3, :3].abs() * torch.tensor(shape) > _NEGLIGIBLE


def _interpolate(
    voxels: torch.Tensor, index_map: torch.Tensor, shape: Sequence[int]
) -> torch.Tensor:
    """Interpolate linearly, float64 ``(C, I, J, K)``, from the part of the partner that counts."""
    corners = (index_map @ _corners(shape))[:3]
    sizes = torch.tensor(voxels.shape[1:])
    first = (corners.amin(dim=1).floor().long() - 1).clamp(min=0).minimum(sizes - 1)
    last = (corners.amax(dim=1).ceil().long() + 1).clamp(min=0).minimum(sizes - 1)
    part = voxels[(slice(None), *(slice(a, b + 1) for a, b in zip(first, last, strict=True)))]
    source = part.double()[None].contiguous()
    # Corners not aligned: an axis with a single voxel then still has a width of one voxel.
    theta = to_norm_affine(
        (_translation((-first).tolist()) @ index_map)[None], source.shape[2:], tuple(shape)
    )
    theta = theta[:, :3].flip(1)[..., [2, 1, 0, 3]]  # the last axis is the first for PyTorch
    grid = _grid(theta, _moves(index_map, shape), shape).permute(0, 3, 2, 1, 4)
    found = functional.grid_sample(source, grid, padding_mode="border", align_corners=False)
    return found[0].permute(0, 3, 2, 1)


def _grid(theta: torch.Tensor, moves: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return where ``theta`` leads the voxels of a grid, ``(1, I, J, K, 3)``."""
    if (moves.sum(dim=1) > 1).any():
        return functional.affine_grid(theta, [1, 1, *shape], align_corners=False)
    # The axes of both grids are parallel: each coordinate is the same for all of a plane.
    grid = torch.empty((1, *reversed(shape), 3), dtype=theta.dtype).permute(0, 3, 2, 1, 4)
    for place, moved_along in enumerate(moves.flip(0)):
        line = torch.tensor(shape).where(moved_along, 1).tolist()
        along = functional.affine_grid(theta, [1, 1, *line], align_corners=False)
        grid[..., place] = along[..., place]
    return grid


def _translation(offset: Sequence[float]) -> torch.Tensor:
    """Return the 4x4 float64 matrix that adds an offset to an index."""
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, 3] = torch.tensor(offset, dtype=torch.float64)
    return matrix
