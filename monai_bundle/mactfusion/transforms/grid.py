"""The grid of the result: that of the anatomical volume, or cubes in its field of view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.data import MetaTensor

from mactfusion.errors import InputError, note
from mactfusion.option_values import GRIDS
from mactfusion.transforms.align import align_to
from mactfusion.transforms.fineness import (
    MOST_VOXELS,
    cube_counts,
    cube_shares,
    much_finer,
    spacing_mm,
)
from mactfusion.transforms.index_map import is_same_grid
from mactfusion.transforms.slices import choose_axis
from mactfusion.transforms.trace import TracedStep, resampled_back
from mactfusion.transforms.volume import is_picture, name_of, noted, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARP = ("ct-mri", "mr-mr")
"""Tasks whose partner is as sharp as its voxels are small. PET and SPECT are blurred over several
of theirs, so that a mean over two or three loses little."""


def isotropic(volume: MetaTensor) -> MetaTensor:
    """Resample a volume to cubic voxels of its finest spacing, in the same field of view.

    The axes keep their directions; their lengths in millimetres decide, so that a mirrored, oblique
    or permuted grid stays so. An axis of ``n`` voxels of ``s`` mm gets ``ceil(n s / f)`` of the
    finest ``f`` mm, around the same middle: the field of view grows by less than half a voxel at
    either end, and the axes that are the finest (or within a thousandth of it) keep their planes.
    Interpolation as in :func:`~mactfusion.transforms.align_to`. A volume of cubes stays as it is,
    bit by bit.

    Args:
        volume: ``(C, I, J, K)``; a picture, which has no millimetres, stays as it is.

    Returns:
        ``(C, I', J', K')`` with its affine.

    Raises:
        InputError: it would have more than :data:`MOST_VOXELS` voxels.
    """
    if is_picture(volume):
        return volume
    share, new_shape = cube_shares(volume), cube_counts(volume)
    shape, counts = (
        torch.tensor(size, dtype=torch.float64) for size in (volume.shape[1:], new_shape)
    )
    step = torch.diag(torch.cat([share, torch.ones(1, dtype=torch.float64)]))
    step[:3, 3] = (shape - counts * share + share - 1) / 2
    if is_same_grid(step, new_shape, volume.shape[1:]):
        return volume
    if counts.prod() > MOST_VOXELS:
        sizes = " x ".join(str(size) for size in new_shape)
        raise InputError(
            f"Cubic voxels of {float(spacing_mm(volume).min()):.3g} mm make {name_of(volume)} "
            f"{sizes} voxels large, which is too much: take the grid of the anatomical volume."
        )
    # Only the place of the new grid counts: one zero stands for all of its voxels.
    grid = MetaTensor(torch.zeros(()).expand(1, *new_shape), affine=volume.affine.double() @ step)
    return align_to(volume, grid)[0]


class ChooseGridd(TracedStep):
    """Put ``anatomical`` on the grid of the result, and settle ``axis``.

    The axis is settled first, and is the acquisition's also where thick slices become cubes: in
    its plane the anatomy is as fine as it was acquired.

    The inverse resamples from cubes back to the grid of the anatomical volume, with exactly its
    affine; without cubes the voxels stay as they are.

    Args:
        grid: one of :data:`GRIDS`. "isotropic" is :func:`isotropic`; "auto" is that where a CT or
            a second MR is much finer than thick slices
            (:func:`~mactfusion.transforms.fineness.much_finer`) and the cubes are not too many,
            which is noted, and else "anatomical".
        axis: see :func:`~mactfusion.transforms.choose_axis`.

    Raises:
        InputError: unknown grid.
    """

    def __init__(self, grid: str = "anatomical", axis: str = "auto") -> None:
        if grid not in GRIDS:
            raise InputError(f"Unknown grid '{grid}': choose {', '.join(GRIDS)}.")
        self.grid = grid
        self.axis = axis

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Choose.

        Raises:
            InputError: unknown axis, or see :func:`isotropic`.
        """
        anatomical = data["anatomical"]
        result = {**data, "axis": choose_axis(anatomical, self.axis)}
        is_cubic = self.grid == "isotropic" or (self.grid == "auto" and _asks_for_cubes(result))
        chosen = isotropic(anatomical) if is_cubic else anatomical
        result["anatomical"] = self.traced(with_voxels(chosen, chosen), anatomical, mode="bilinear")
        return result

    def undone(self, volume: MetaTensor, done: Mapping[str, Any]) -> MetaTensor:
        """Resample a volume to the grid of the anatomical volume as it was read."""
        return resampled_back(volume, done)


def _asks_for_cubes(data: dict[str, Any]) -> bool:
    """Tell whether a partner would lose in thick slices what cubes keep; note it."""
    for partner in data["partners"]:
        if partner["task"] not in SHARP:
            continue
        found = much_finer(partner["partner"], data["anatomical"])
        if found is not None and found.cubes_mm is not None:
            note(
                data,
                f"{noted(partner['partner'])} has a voxel each {found.partner_mm:.3g} mm where "
                f"{noted(data['anatomical'])} has one each {found.grid_mm:.3g} mm: the result is "
                f"in cubic voxels of {found.cubes_mm:.3g} mm.",
            )
            return True
    return False
