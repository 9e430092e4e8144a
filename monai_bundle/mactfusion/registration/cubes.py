"""A volume as cubes along the axes of the patient, fine and coarse, and where tissue is in it.

Whatever the order and direction of its axes in the file, the cubes are the same: what is found on
them does not depend on how a volume is stored.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import SimpleITK
import torch
from torch.nn import functional

from mactfusion.transforms.sampling import interpolate, is_inside
from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from monai.data import MetaTensor

    from mactfusion.registration.linear import Matrix

Values = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LEVELS = 3
"""Each twice as coarse as the one before."""

FINEST_MM, COARSEST_MM = 2.0, 4.0
"""Between these lie the edges of the finest cubes, by the size of the volumes."""

_CUBES = 4.5e6
"""More of them than this would cover a volume only slowly."""

MARGIN_MM = 10.0
"""So far around tissue values count: the edge of a head against air is part of what matches."""

_ENDS = (0.2, 99.8)
_SAMPLE = 200_000


@dataclass(frozen=True)
class Cubes:
    """One level.

    Attributes:
        values: ``(I, J, K)``, 0 to 1.
        measured: ``(I, J, K)``, what lies in the field of view.
        counted: ``(I, J, K)``, tissue and a margin around it.
        affine: 4x4, from index to RAS+ millimetres; its axes are those of the patient.
    """

    values: Values
    measured: Mask
    counted: Mask
    affine: Matrix

    @property
    def mm(self) -> float:
        """Length of an edge."""
        return float(self.affine[0, 0])

    def coarser(self) -> Cubes:
        """Average each 2 x 2 x 2 cubes; those at an odd end are left out."""
        size = [max(1, count // 2) for count in self.values.shape]
        twice = [min(2, count) for count in self.values.shape]
        split = tuple(itertools.chain(*zip(size, twice, strict=True)))
        part = tuple(slice(0, n * k) for n, k in zip(size, twice, strict=True))
        weight = self.measured[part].reshape(split).astype("float32")
        count = weight.sum((1, 3, 5))
        total = (self.values[part].reshape(split) * weight).sum((1, 3, 5))
        counted = self.counted[part].reshape(split).mean((1, 3, 5)) >= 0.5
        affine = self.affine.copy()
        affine[:3, :3] *= 2
        affine[:3, 3] += self.mm * (np.array(twice) - 1) / 2
        measured = count >= np.prod(twice) / 2
        values = (total / np.maximum(count, 1)).astype("float32")
        return Cubes(values, measured, counted & measured, affine)


class Pyramid:
    """The levels of one volume, the finest first.

    Args:
        levels: :data:`LEVELS` of them.
        tissue: ``(I, J, K)`` of the first, where tissue is.
    """

    def __init__(self, levels: list[Cubes], tissue: Mask) -> None:
        self.levels = levels
        self._tissue = tissue

    @classmethod
    def of(cls, volume: MetaTensor, mm: float) -> Pyramid:
        """Cut a volume into cubes.

        Args:
            volume: ``(C, I, J, K)`` with its affine; the mean of its channels counts.
            mm: edge of the finest cubes.
        """
        values, measured, affine = _resampled(volume, mm)
        tissue = _tissue(values, measured, mm)
        near = _grown(tissue, round(MARGIN_MM / mm))
        levels = [Cubes(_scaled(values, measured), measured, near & measured, affine)]
        while len(levels) < LEVELS:
            levels.append(levels[-1].coarser())
        return cls(levels, tissue)

    @cached_property
    def centre_mm(self) -> npt.NDArray[np.float64]:
        """Centre of the field of view in RAS+ millimetres, ``(3,)``."""
        return _point(self.levels[0], (np.array(self.levels[0].values.shape) - 1) / 2)

    @cached_property
    def tissue_mm(self) -> npt.NDArray[np.float64]:
        """Centre of the tissue, ``(3,)``."""
        return _point(self.levels[0], np.argwhere(self._tissue).mean(axis=0))

    @cached_property
    def points_mm(self) -> npt.NDArray[np.float64]:
        """Some thousand points of the tissue, ``(4, N)``, the last row 1."""
        places = np.argwhere(self._tissue)
        places = places[:: max(1, len(places) // 2000)]
        return self.levels[0].affine @ np.c_[places, np.ones(len(places))].T

    @property
    def mirror(self) -> Matrix:
        """4x4 that mirrors RAS+ millimetres left to right about the middle of the field of view."""
        mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
        mirror[0, 3] = 2 * self.centre_mm[0]
        return mirror

    def mirrored(self) -> Pyramid:
        """Return the same volume with left and right swapped, in the same field of view."""
        levels = [
            Cubes(
                np.ascontiguousarray(level.values[::-1]),
                np.ascontiguousarray(level.measured[::-1]),
                level.counted[::-1],
                _from_other_end(level, self.mirror),
            )
            for level in self.levels
        ]
        return Pyramid(levels, self._tissue[::-1])


def _from_other_end(cubes: Cubes, mirror: Matrix) -> Matrix:
    """Return the affine of cubes that were turned round along x and mirrored."""
    affine = cubes.affine.copy()
    affine[0, 3] = mirror[0, 3] - (cubes.affine[0, 3] + cubes.mm * (len(cubes.values) - 1))
    return affine


def finest_mm(*volumes: MetaTensor) -> float:
    """Return the edge of the finest cubes for volumes that are compared."""
    largest = max(float(np.prod(np.ptp(_ends(volume), axis=1))) for volume in volumes)
    return float(np.clip((largest / _CUBES) ** (1 / 3), FINEST_MM, COARSEST_MM))


def _point(cubes: Cubes, index: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return cubes.affine[:3, :3] @ index + cubes.affine[:3, 3]


def _ends(volume: MetaTensor) -> npt.NDArray[np.float64]:
    """Return the corners of a volume's field of view, ``(3, 8)``."""
    sizes = np.array(volume.shape[1:])
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3))).T
    index = np.vstack([(sizes[:, None] - 1) / 2 + sizes[:, None] * signs, np.ones((1, 8))])
    return (volume.affine.double().cpu().numpy() @ index)[:3]


def _resampled(volume: MetaTensor, mm: float) -> tuple[Values, Mask, Matrix]:
    """Return a volume's values in cubes that enclose it, and where it was measured.

    Voxels that are finer are averaged along their own axes first. Headers round where a volume
    lies, each order of the axes in another way, and a search would make tenths of a millimetre of
    that: so the cubes start on hundredths, and are cut at ten thousandths of a voxel.
    """
    ends = _ends(volume)
    first = ends.min(axis=1)
    start, length = np.round(first, 2), np.round(ends.max(axis=1) - first, 2)
    count = np.maximum(1, np.ceil(length / mm - 1e-6)).astype(int)
    affine = np.diag([mm, mm, mm, 1.0])
    affine[:3, 3] = start + length / 2 - (count - 1) / 2 * mm
    shape = tuple(int(size) for size in count)
    voxels, own = averaged(volume, mm)
    own = own.copy()
    own[:3, 3] += start - first
    to_index = np.linalg.solve(own, affine)
    to_index[:3, :3], to_index[:3, 3] = np.round(to_index[:3, :3], 7), np.round(to_index[:3, 3], 4)
    index_map = torch.from_numpy(to_index)
    values = interpolate(voxels, index_map, shape)[0].float().numpy()
    return values, is_inside(index_map, shape, voxels.shape[1:]).numpy(), affine


def averaged(volume: MetaTensor, mm: float) -> tuple[torch.Tensor, Matrix]:
    """Average whole groups of voxels that are not longer than a cube; what is left over goes."""
    voxels = plain(volume).float().mean(dim=0, keepdim=True)
    affine = volume.affine.double().cpu().numpy()
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    sizes = np.array(voxels.shape[1:])
    group = np.clip(np.floor(mm / spacing + 1e-3), 1, sizes).astype(int)
    if group.max() == 1:
        return voxels, affine
    left_over = sizes % group
    largest = np.abs(affine[:3, :3]).argmax(axis=0)
    is_descending = affine[largest, range(3)] < 0
    start = np.where(is_descending, left_over - left_over // 2, left_over // 2)
    whole = zip(start, sizes, group, strict=True)
    part = (slice(None), *(slice(a, a + size // k * k) for a, size, k in whole))
    voxels = functional.avg_pool3d(voxels[part][None], group.tolist())[0]
    to_group = np.diag([*group.astype(float), 1.0])
    to_group[:3, 3] = start + (group - 1) / 2
    return voxels, affine @ to_group


def _tissue(values: Values, measured: Mask, mm: float) -> Mask:
    """Tell tissue from air: the largest bright part, without holes."""
    seen = values[measured]
    low, high = np.percentile(seen[:: max(1, len(seen) // _SAMPLE)], (1, 99))
    if not low < high:
        return measured
    otsu = SimpleITK.OtsuThresholdImageFilter()
    otsu.Execute(SimpleITK.GetImageFromArray(np.clip(seen, low, high)[None]))
    bright = (values > min(otsu.GetThreshold(), low + (high - low) / 4)) & measured
    opened = SimpleITK.BinaryMorphologicalOpening(
        SimpleITK.GetImageFromArray(bright.astype(np.uint8)),
        [max(1, round(4 / mm))] * 3,
        SimpleITK.sitkCross,
    )
    largest = (
        SimpleITK.RelabelComponent(SimpleITK.ConnectedComponent(opened), sortByObjectSize=True) == 1
    )
    tissue = SimpleITK.GetArrayFromImage(SimpleITK.BinaryFillhole(largest)).astype(bool)
    return tissue if tissue.any() else measured


def _grown(mask: Mask, cubes: int) -> Mask:
    """Return a mask and so many cubes around it."""
    grown = torch.from_numpy(mask.astype(np.float32))[None, None]
    for axis in range(3):
        size, padding = [1, 1, 1], [0, 0, 0]
        size[axis], padding[axis] = 1 + 2 * cubes, cubes
        grown = functional.max_pool3d(grown, size, stride=1, padding=padding)
    return grown[0, 0].numpy() > 0


def _scaled(values: Values, measured: Mask) -> Values:
    """Scale to 0 to 1 without the few brightest and darkest."""
    seen = values[measured]
    low, high = np.percentile(seen[:: max(1, len(seen) // _SAMPLE)], _ENDS)
    return np.clip((values - low) / max(high - low, 1e-12), 0, 1).astype("float32")
