"""DICOM's axes are perpendicular: a grid whose axes are not quite so becomes one in its place."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from monai.data import MetaTensor

from mactfusion.transforms.align import align_to
from mactfusion.transforms.volume import with_voxels

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT_MM = 1e-3
"""What a corner may move without a voxel being interpolated."""


def rectangular_affine(affine: torch.Tensor, shape: Sequence[int]) -> tuple[torch.Tensor, float]:
    """Find the rectangular grid that is nearest: same spacing, size and middle.

    Args:
        affine: ``(4, 4)`` from index to millimetres.
        shape: ``(3,)``, the number of voxels along each axis.

    Returns:
        Its affine, float64, and how far the outermost voxel that differs most moves, in mm.
    """
    given = affine.double().cpu()
    spacing = torch.linalg.vector_norm(given[:3, :3], dim=0)
    left, _, right = torch.linalg.svd(given[:3, :3] / spacing)
    found = torch.eye(4, dtype=torch.float64)
    found[:3, :3] = left @ right * spacing
    middle = (torch.tensor(shape, dtype=torch.float64) - 1) / 2
    found[:3, 3] = given[:3, 3] + (given[:3, :3] - found[:3, :3]) @ middle
    corners = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
    moved = (corners * middle) @ (given[:3, :3] - found[:3, :3]).T
    return found, float(torch.linalg.vector_norm(moved, dim=1).max())


def skew_sentence(affine: torch.Tensor, shape: Sequence[int]) -> str:
    """Say that a result will be interpolated for DICOM; "" where it will not.

    Args:
        affine: see :func:`rectangular_affine`.
        shape: likewise.
    """
    moved_mm = rectangular_affine(affine, shape)[1]
    if moved_mm <= EXACT_MM:
        return ""
    return (
        f"The axes of the result are not quite perpendicular (by {moved_mm:.2g} mm at a corner), "
        "as those of DICOM must be: it is interpolated to a rectangular grid in the same place."
    )


def rectangular(volume: MetaTensor) -> MetaTensor:
    """Give a volume exactly perpendicular axes.

    Args:
        volume: ``(C, I, J, K)``.

    Returns:
        The same voxels where no corner moves by more than :data:`EXACT_MM`; else interpolated to
        :func:`rectangular_affine`.
    """
    affine, moved_mm = rectangular_affine(volume.affine, volume.shape[1:])
    if moved_mm <= EXACT_MM:
        return with_voxels(volume, volume, affine)
    # Only the place of the new grid counts: one zero stands for all of its voxels.
    grid = MetaTensor(torch.zeros(()).expand(1, *volume.shape[1:]), affine=affine)
    return align_to(volume, grid)[0]
