"""The grid that pictures of a fusion share: its planes, its order, and what a page can carry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from monai.transforms import Orientation, Resize
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from mactfusion.errors import InputError
from mactfusion.transforms.volume import is_picture, plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

MAXIMUM_VOXELS_PER_AXIS = 192
MAXIMUM_PIXELS_PER_AXIS = 1024
OBLIQUE_FROM_DEGREES = 0.5
_LONGEST_BAR = 0.4
"""Of a scale bar, as a share of the narrowest plane."""


@dataclass(frozen=True)
class Plane:
    """One viewing plane of a volume in LPS order, in radiological display.

    ``across``, ``down`` and ``through`` are spatial axes of the volume; ``flip`` says that the
    ``down`` axis runs upwards on the screen; the other fields are the letters at the edges.
    """

    name: str
    across: int
    down: int
    through: int
    flip: bool
    left: str
    right: str
    top: str
    bottom: str


PLANES = (
    Plane("Axial", 0, 1, 2, False, "R", "L", "A", "P"),
    Plane("Coronal", 0, 2, 1, True, "R", "L", "S", "I"),
    Plane("Sagittal", 1, 2, 0, True, "A", "P", "S", "I"),
)


def planes_of(shape: Sequence[int]) -> tuple[Plane, ...]:
    """Return the planes that are more than a line in a volume ``(I, J, K)`` in LPS order."""
    planes = [plane for plane in PLANES if shape[plane.across] > 1 and shape[plane.down] > 1]
    return tuple(planes) or PLANES[:1]


def check_common_grid(volumes: Mapping[str, MetaTensor]) -> None:
    """Refuse volumes that a linked cross-hair could not be right for.

    Args:
        volumes: ``(1 or 3, I, J, K)`` by name, among them "anatomical".

    Raises:
        InputError: they do not share one grid.
    """
    grid = volumes["anatomical"]
    for name, volume in volumes.items():
        if volume.ndim != 4 or volume.shape[0] not in (1, 3) or volume.shape[1:] != grid.shape[1:]:
            raise InputError(
                f"The report needs one grid and 1 or 3 channels, but the {name} volume has the "
                f"shape {tuple(volume.shape)} and the anatomical one {tuple(grid.shape)}; "
                "resample it first."
            )
        if not np.allclose(volume.affine, grid.affine, atol=1e-3):
            raise InputError(
                f"The report needs one grid, but the {name} volume lies elsewhere in space than "
                "the anatomical one; resample it first."
            )


def ordered(volume: MetaTensor) -> MetaTensor:
    """Reorient ``(C, I, J, K)`` to the nearest LPS order.

    LPS makes every plane radiological without a flip across: the first index grows towards the
    patient's left, which is the viewer's right.
    """
    # Explicit labels: MONAI would turn them round for meta data that name LPS as the space.
    order = Orientation(axcodes="LPS", labels=(("L", "R"), ("P", "A"), ("I", "S")))
    return cast("MetaTensor", order(volume.cpu()))


@dataclass(frozen=True)
class OrderedGrid:
    """The grid of a volume in the order of :func:`ordered`, without its voxels.

    Attributes:
        shape: ``(I, J, K)``.
        affine: ``(4, 4)`` from index to RAS+ millimetres.
        turn: each stored axis' place in the order, and 1 or -1 where it runs the other way.
    """

    shape: tuple[int, ...]
    affine: np.ndarray
    turn: np.ndarray

    @classmethod
    def of(cls, volume: MetaTensor) -> OrderedGrid:
        """Return that of ``(C, I, J, K)``."""
        affine = volume.affine.double().cpu().numpy()
        stored = tuple(int(size) for size in volume.shape[1:])
        turn = ornt_transform(io_orientation(affine), axcodes2ornt("LPS")).astype(int)
        shape = [0, 0, 0]
        for size, (place, _) in zip(stored, turn, strict=True):
            shape[place] = size
        return cls(tuple(shape), affine @ inv_ornt_aff(turn, stored), turn)

    @property
    def spacing_mm(self) -> np.ndarray:
        """Distance of voxels along the three axes."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    def slab(self, volume: MetaTensor, axis: int, number: int) -> MetaTensor:
        """Cut one slice out of the stored volume, and order that alone: its voxels are few.

        Args:
            volume: the one whose grid this is.
            axis: of the ordered grid, along which slices are counted.
            number: of the slice.
        """
        stored = int(np.flatnonzero(self.turn[:, 0] == axis)[0])
        index = number if self.turn[stored, 1] > 0 else self.shape[axis] - 1 - number
        return ordered(with_voxels(volume, plain(volume).narrow(1 + stored, index, 1)))


def spacing_mm(volume: MetaTensor) -> np.ndarray:
    """Return the distance of voxels along the three axes in mm."""
    return np.linalg.norm(np.asarray(volume.affine, dtype=np.float64)[:3, :3], axis=0)


def scale_bar_mm(extent_mm: np.ndarray, planes: Sequence[Plane]) -> float:
    """Return the length of a scale bar, 1, 2 or 5 times a power of ten, that fits all planes.

    Args:
        extent_mm: of the volume along its three axes, ``(3,)``.
        planes: those that are shown.
    """
    longest = _LONGEST_BAR * min(extent_mm[plane.across] for plane in planes)
    power = 10.0 ** math.floor(math.log10(longest))
    return max(power * factor for factor in (1, 2, 5) if power * factor <= longest * (1 + 1e-9))


def shape_on_page(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape ``(I, J, K)`` that a page can carry; a slice may be larger than a volume."""
    limit = MAXIMUM_PIXELS_PER_AXIS if 1 in shape else MAXIMUM_VOXELS_PER_AXIS
    return tuple(min(int(axis), limit) for axis in shape)


def means_on_page(volume: MetaTensor) -> MetaTensor:
    """Average ``(C, I, J, K)`` down to what a page can carry."""
    size = shape_on_page(volume.shape[1:])
    if size == tuple(volume.shape[1:]):
        return volume
    return cast("MetaTensor", Resize(spatial_size=size, mode="area")(volume))


def nearest_on_page(volume: MetaTensor) -> np.ndarray:
    """Take ``(C, I, J, K)`` down to what a page can carry, without making up values.

    Each voxel of the page has the value of the voxel whose centre is nearest to its own.
    """
    voxels = plain(volume)
    for axis, (full, size) in enumerate(
        zip(volume.shape[1:], shape_on_page(volume.shape[1:]), strict=True), start=1
    ):
        nearest = ((torch.arange(size) + 0.5) * full / size).long()
        voxels = voxels.index_select(axis, nearest)
    return voxels.numpy()


def index_on_page(index: Sequence[int], shape: Sequence[int]) -> list[int]:
    """Return which voxel of the page holds a voxel of the volume of this shape."""
    return [
        int((place + 0.5) * size / full)
        for place, size, full in zip(index, shape_on_page(shape), shape, strict=True)
    ]


def remarks_on_grid(full: MetaTensor, shown: MetaTensor, has_values: bool) -> list[str]:
    """Return what the viewer of a page should know about the geometry.

    Args:
        full: the anatomical volume in LPS order.
        shown: the same as the page carries it.
        has_values: whether the page carries values in the sources' own units.
    """
    remarks = []
    degrees = _oblique_degrees(np.asarray(shown.affine))
    if is_picture(shown):
        remarks.append("Picture without orientation: positions are pixels.")
    elif degrees > OBLIQUE_FROM_DEGREES:
        remarks.append(
            f"Oblique acquisition, shown along the acquisition axes (up to {degrees:.0f}° from "
            "the patient's): planes and edge letters name the nearest direction."
        )
    if shown.shape != full.shape:
        before, after = (" × ".join(map(str, grid.shape[1:])) for grid in (full, shown))
        remarks.append(
            f"Shown at reduced resolution: {after} instead of {before}. Pictures and luminance are "
            "means of the voxels within."
        )
        if has_values:
            remarks.append("Values are those of the nearest voxel at full resolution, not means.")
    return remarks


def _oblique_degrees(affine: np.ndarray) -> float:
    """Return the largest angle between an axis of an LPS-ordered grid and the patient's axis."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return math.degrees(math.acos(min(1.0, float(np.abs(np.diag(directions)).min()))))


def slice_of(volume: MetaTensor, plane: Plane, number: int) -> np.ndarray:
    """Cut a slice out of a volume for the screen.

    Args:
        volume: ``(1 or 3, I, J, K)`` in LPS order, in [0, 1].
        plane: the plane to cut along.
        number: which slice of it.

    Returns:
        ``(rows, columns, 3)`` in [0, 1], top row first.
    """
    picture = plain(volume).select(1 + plane.through, number).nan_to_num().clamp(0, 1)
    # What remains of the axes is across, down.
    rows = picture.permute(2, 1, 0).expand(-1, -1, 3)
    return (rows.flip(0) if plane.flip else rows).numpy()
