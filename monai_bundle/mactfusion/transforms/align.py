"""The partner on the grid of the anatomical volume, through both affines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.data import MetaTensor

from mactfusion.amounts import percent
from mactfusion.errors import InputError, note
from mactfusion.transforms.fineness import Fineness, much_finer
from mactfusion.transforms.footprint import Footprints
from mactfusion.transforms.index_map import corners, is_same_grid
from mactfusion.transforms.same import refuse_same
from mactfusion.transforms.sampling import is_inside
from mactfusion.transforms.trace import TracedStep, resampled_back
from mactfusion.transforms.volume import (
    is_picture,
    name_of,
    new_voxels,
    noted,
    plain,
    with_voxels,
)
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FULL_COVERAGE = 0.995


def align_to(partner: MetaTensor, anatomical: MetaTensor) -> tuple[MetaTensor, MetaTensor]:
    """Resample the partner onto the grid of the anatomical volume.

    Linear interpolation with coordinates and weights in float64; along an axis where the partner is
    finer, its mean over what a voxel covers (:class:`~mactfusion.transforms.footprint.Footprints`).
    A voxel belongs to the partner's field of view when its centre lies in a voxel of the partner;
    in the outer half of the outermost voxels the value is continued. Outside, scalar volumes take
    their minimum and colour volumes black. On one common grid, and for two pictures of equal size,
    the voxels stay as they are, bit by bit.

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


class AlignPartnerd(TracedStep):
    """Put ``partner`` on the grid of ``anatomical``; add ``field_of_view`` and ``coverage``.

    ``coverage`` is the share of the anatomical grid, 0 to 1, that the partner's field of view
    covers. Less than all of it is noted, none of it is an error; so is one volume in both roles.
    What is averaged of a partner that is much finer than the grid is noted too.

    The inverse resamples ``partner`` back to its own grid and affine, as MONAI's ``Spacingd`` does:
    what the grid of the anatomical volume could not hold stays lost.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Align the partner; see :func:`align_to`.

        Raises:
            InputError: the volumes do not overlap or are the same, or see :func:`align_to`.
        """
        result = dict(data)
        partner, anatomical = data["partner"], data["anatomical"]
        aligned, result["field_of_view"] = align_to(partner, anatomical)
        result["partner"] = self.traced(aligned, partner, mode="bilinear")
        refuse_same([anatomical, result["partner"]])
        inside = plain(result["field_of_view"])
        coverage = int(inside.count_nonzero()) / inside.numel()
        if coverage == 0:
            distance_mm = torch.dist(_centre(partner), _centre(anatomical)).item()
            raise InputError(
                f"{name_of(partner)} and {name_of(anatomical)} do not overlap: their centres are "
                f"{distance_mm:.0f} mm apart; check that both belong to one patient, or try "
                f"{option('register', 'rigid')}."
            )
        if coverage < _FULL_COVERAGE:
            note(
                result,
                f"The partner {noted(partner)} covers {percent(coverage, 1)} of the anatomical "
                "volume; outside its field of view the result shows the anatomical volume alone.",
            )
        result["coverage"] = coverage
        finer = much_finer(partner, anatomical)
        if finer is not None:
            note(result, _averaged(partner, finer))
        return result

    def undone(self, volume: MetaTensor, done: Mapping[str, Any]) -> MetaTensor:
        """Resample a volume to the partner's grid."""
        return resampled_back(volume, done)


def _averaged(partner: MetaTensor, finer: Fineness) -> str:
    """Say what a much finer partner loses, and how less of it would be lost."""
    sentence = (
        f"The partner {noted(partner)} has a voxel each {finer.partner_mm:.3g} mm where the result "
        f"has one each {finer.grid_mm:.3g} mm: what is smaller is averaged and loses contrast"
    )
    if finer.cubes_mm is None:
        return f"{sentence}."
    return (
        f"{sentence}; cubic voxels of {finer.cubes_mm:.3g} mm ({option('grid', 'isotropic')}) keep "
        "more of it."
    )


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


def _centre(volume: MetaTensor) -> torch.Tensor:
    """Return the middle of a volume in RAS+ millimetres."""
    return (volume.affine.double() @ corners(volume.shape[1:])).mean(dim=1)[:3]


def _resample(
    voxels: torch.Tensor, index_map: torch.Tensor, shape: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Resample piece by piece; in memory the last axis is the outermost, as in files.

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
    footprints = Footprints(index_map, shape)
    for piece in footprints.pieces():
        piece_shape = [axis.stop - axis.start for axis in piece]
        inside = is_inside(footprints.index_map_of(piece), piece_shape, voxels.shape[1:])
        every_channel = (slice(None), *piece)
        field_of_view[every_channel] = inside
        target = resampled[every_channel]
        if inside.any():
            target.copy_(footprints.mean(voxels, piece))
        if not inside.all():
            target.masked_fill_(~inside, background)
    return resampled, field_of_view
