"""Pairs with a known place: as scanners leave them, moved, mirrored, of two patients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.registration.cubes import averaged
from mactfusion.registration.search import motion_about
from mactfusion.transforms.sampling import interpolate, is_inside
from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.registration.linear import Matrix
    from training.registration.sources import Subject

KINDS = ("in place", "moved", "another patient", "mirrored")

MIDDLE_MM = np.array([0.0, -18.0, 10.0])
"""About this point heads are turned."""

_ANATOMICAL_MM = ((1.5, 1.5, 1.5), (1.0, 1.0, 4.0), (2.0, 2.0, 2.0))
_PARTNER_MM = {
    "PET": ((4.0, 4.0, 4.0), (2.5, 2.5, 3.3), (3.0, 3.0, 5.0)),
    "SPECT": ((4.0, 4.0, 4.0), (4.8, 4.8, 4.8), (3.3, 3.3, 3.3)),
    "CT": ((0.9, 0.9, 4.0), (1.5, 1.5, 1.5), (1.0, 1.0, 2.0)),
}
_MR_PARTNER_MM = ((1.5, 1.5, 1.5), (1.0, 1.0, 4.0), (2.0, 2.0, 3.0))
SLAB_SLICES = (8, 20)


@dataclass(frozen=True)
class Pair:
    """Two volumes, and what is true of them.

    Attributes:
        anatomical: ``(1, I, J, K)``.
        partner: likewise.
        kind: one of :data:`KINDS`.
        pose: 4x4 from a point of the anatomical volume to that of the partner; None where there is
            none, because they are of two patients or mirrored.
        modalities: of both.
        seen: "whole", "slab", "low dose" or "cropped".
        is_symmetric: left and right cannot be told apart in them.
    """

    anatomical: MetaTensor
    partner: MetaTensor
    kind: str
    pose: Matrix | None
    modalities: tuple[str, str]
    seen: str
    is_symmetric: bool


def make_pair(kind: str, subjects: Sequence[Subject], seed: int) -> Pair:
    """Make a pair of some heads; equal seeds make equal pairs.

    Args:
        kind: one of :data:`KINDS`.
        subjects: one is chosen, or two.
        seed: decides all that is not given.
    """
    rng = np.random.default_rng(seed)
    own = _chosen(rng, [subject for subject in subjects if subject.anatomical])
    other = own
    if kind == "another patient":
        strangers = [each for each in subjects if each is not own and not _alike(each, own)]
        other = _chosen(rng, strangers)
    first = _chosen(rng, own.anatomical)
    second = _chosen(rng, [each for each in other.partners if other is not own or each != first])
    seen = _chosen(rng, ("whole", "whole", "slab", "low dose", "cropped"))
    partner = _seen(other.volume(second), second, seen, rng)
    anatomical = gridded(
        own.volume(first), _chosen(rng, _ANATOMICAL_MM), _chosen(rng, (0, 0, 10)), rng
    )
    anatomical = noisy(anatomical, first, 0.3, rng)
    if kind == "mirrored":
        partner = mirrored(partner)
    pose = np.eye(4)
    if kind == "moved" or (kind != "in place" and rng.random() < 0.5):
        pose = random_pose(rng, _chosen(rng, (15, 60)), _chosen(rng, (10, 35)))
    pair = Pair(anatomical, partner, kind, np.eye(4), (first, second), seen, own.is_symmetric)
    pair = moved(pair, pose)
    return pair if kind in ("in place", "moved") else replace(pair, pose=None)


def moved(pair: Pair, pose: Matrix) -> Pair:
    """Return a pair whose partner has moved."""
    affine = torch.from_numpy(pose @ pair.partner.affine.numpy())
    partner = MetaTensor(plain(pair.partner), affine=affine, meta={"filename_or_obj": "partner"})
    return replace(pair, partner=partner, pose=None if pair.pose is None else pose @ pair.pose)


def random_pose(rng: np.random.Generator, most_mm: float, most_degrees: float) -> Matrix:
    """Return a rigid motion of 30 to 100 % of a shift, and 50 to 100 % of a turn."""
    axis, shift = rng.normal(size=(2, 3))
    axis *= rng.uniform(0.5, 1) * most_degrees / np.linalg.norm(axis)
    shift *= rng.uniform(0.3, 1) * most_mm / np.linalg.norm(shift)
    return motion_about(MIDDLE_MM, axis, shift)


def mirrored(volume: MetaTensor) -> MetaTensor:
    """Return a volume with its voxels the other way round along its first axis."""
    return MetaTensor(plain(volume).flip(1), affine=volume.affine)


def gridded(
    volume: MetaTensor,
    spacing_mm: Sequence[float],
    tilt_degrees: float,
    rng: np.random.Generator,
    slices: int | None = None,
    share: float = 1.0,
) -> MetaTensor:
    """Scan a volume on a grid of its own.

    Args:
        volume: ``(1, I, J, K)``.
        spacing_mm: of the grid.
        tilt_degrees: the grid is turned by up to this, about an axis by chance.
        rng: for what is left to chance.
        slices: only so many, somewhere in the upper half.
        share: of the field of view along each axis.
    """
    sizes = np.array(volume.shape[1:])
    ends = np.array(
        [
            [x, y, z, 1]
            for x in (0, sizes[0] - 1)
            for y in (0, sizes[1] - 1)
            for z in (0, sizes[2] - 1)
        ]
    )
    corners = (volume.affine.numpy() @ ends.T)[:3]
    low, high = corners.min(axis=1), corners.max(axis=1)
    spacing = np.array(spacing_mm)
    count = np.maximum(2, (share * (high - low) / spacing)).astype(int)
    middle = (low + high) / 2
    if slices is not None:
        count[2] = slices
        middle[2] = rng.uniform(*(low[2] + np.array([0.35, 0.75]) * (high[2] - low[2])))
    axis = rng.normal(size=3)
    axis *= rng.uniform(0.5, 1) * tilt_degrees / np.linalg.norm(axis)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(count - 1) / 2 * spacing
    affine = motion_about(np.zeros(3), axis, middle) @ affine
    voxels, own = averaged(volume, float(spacing.min()))
    index_map = torch.from_numpy(np.linalg.solve(own, affine))
    shape = [int(size) for size in count]
    thick = max(1, round(spacing[2] / max(spacing.min(), 1.5)))
    values = torch.zeros(1, *shape, dtype=torch.float64)
    for part in range(thick):
        along = torch.eye(4, dtype=torch.float64)
        along[2, 3] = (part + 0.5) / thick - 0.5
        values += interpolate(voxels, index_map @ along, shape) / thick
    values[:, ~is_inside(index_map, shape, voxels.shape[1:])] = float(voxels.min())
    return MetaTensor(values.float(), affine=torch.from_numpy(affine))


def noisy(volume: MetaTensor, modality: str, level: float, rng: np.random.Generator) -> MetaTensor:
    """Add noise: of PET and SPECT it grows with the root of the counts, and is smooth."""
    values = plain(volume).double()
    low, high = np.percentile(values.numpy(), (1, 99))
    noise = torch.from_numpy(rng.normal(size=values.shape))
    if modality in ("PET", "SPECT"):
        noise = torch.nn.functional.avg_pool3d(noise[None], 3, stride=1, padding=1)[0]
        noise *= 1.8 * ((values.clamp(min=0) / (high - low)) + 0.02).sqrt()
    else:
        noise *= 0.06
    return MetaTensor((values + level * (high - low) * noise).float(), affine=volume.affine)


def _seen(volume: MetaTensor, modality: str, seen: str, rng: np.random.Generator) -> MetaTensor:
    spacing = _chosen(rng, _PARTNER_MM.get(modality, _MR_PARTNER_MM))
    tilt = _chosen(rng, (0, 5, 20))
    if seen == "slab":
        thick = max(spacing[2], float(rng.uniform(3, 6)))
        slices = int(rng.integers(SLAB_SLICES[0], SLAB_SLICES[1] + 1))
        return gridded(volume, (*spacing[:2], thick), tilt, rng, slices)
    share = float(rng.uniform(0.6, 0.8)) if seen == "cropped" else 1.0
    scanned = gridded(volume, spacing, tilt, rng, share=share)
    level = float(rng.uniform(0.5, 2)) if seen == "low dose" else 0.3
    return noisy(scanned, modality, level, rng)


def _chosen(rng: np.random.Generator, among: Sequence[Any]) -> Any:
    return among[int(rng.integers(len(among)))]


def _alike(first: Subject, second: Subject) -> bool:
    """Averages of one space are no two patients."""
    return first.is_symmetric and second.is_symmetric
