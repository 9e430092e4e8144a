"""Four cases of the synthetic head that a fused picture can mislead in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np

from mactfusion.phantom import HeadPhantom

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mactfusion.phantom.shapes import Point

SLICE_MM = 4.0
FIELD_MM = (176.0, 212.0, 144.0)
MIDDLE_MM = (0.0, 6.0, 12.0)
BONE_FOCUS: tuple[Point, float, float] = ((-64.0, -14.0, 32.0), 1900.0, 5.0)
"""Of the SPECT: where in the skull, counts at its middle, standard deviation in mm."""
T2_LESION: tuple[Point, float, float] = ((-26.0, 14.0, 38.0), 620.0, 5.0)
"""Of the T2: where in white matter, its value, radius in mm."""
T1_WINDOW = (340.0, 400.0)
"""Level and width in which white matter is nearly white."""
WHITE_MATTER: Point = (-26.0, 8.0, 32.0)


@dataclass(frozen=True)
class Case:
    """Two scans, and the place to look at.

    Attributes:
        title: of the case.
        anatomical: name of the file.
        partner: likewise.
        task: of the pair.
        place_mm: of what is to be seen, in RAS mm.
        before: options of the fusion that says nothing.
        after: options of the fusion that does.
    """

    title: str
    anatomical: str
    partner: str
    task: str
    place_mm: Point
    before: dict[str, Any]
    after: dict[str, Any]


_BEFORE = {"colors": "ycbcr", "check": False, "register": "off"}
_AFTER = {"colors": "legible", "check": True, "register": "off"}
"""But for the mirrored one they lie in place, so that there is nothing to find."""


def write_heads(folder: Path, voxel_mm: float) -> list[Case]:
    """Write the scans as NIfTI, and return the cases.

    Args:
        folder: is there.
        voxel_mm: edge of a voxel within slices of :data:`SLICE_MM`.
    """
    head = HeadPhantom()
    spacing = np.array([voxel_mm, voxel_mm, SLICE_MM])
    shape = tuple(int(size) for size in np.round(np.array(FIELD_MM) / spacing))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = MIDDLE_MM - spacing * (np.array(shape) - 1) / 2
    scans = {name: head.sample(name, shape, affine)[0].numpy() for name in ("T1", "CT", "PET")}
    bone_mm, counts, sigma_mm = BONE_FOCUS
    distance = _distances(shape, affine, bone_mm)
    focus = counts * np.exp(-0.5 * (distance / sigma_mm) ** 2)
    scans["SPECT"] = head.sample("SPECT", shape, affine)[0].numpy() + focus
    lesion_mm, value, radius_mm = T2_LESION
    t2 = head.sample("T2", shape, affine)[0].numpy()
    share = np.clip(0.5 + radius_mm - _distances(shape, affine, lesion_mm), 0, 1)
    scans["T2"] = t2 + share * (value - t2)
    for name, values in scans.items():
        _write(folder / f"{name}.nii.gz", values, affine)
    _write(folder / "PET_mirrored.nii.gz", scans["PET"], np.diag([-1.0, 1, 1, 1]) @ affine)
    hot = head.lesion_mm
    mirrored_mm = (-hot[0], hot[1], hot[2])
    checked, window = {**_AFTER, "register": "check"}, {"anatomical_window": T1_WINDOW}
    t1, pet, moved = "T1.nii.gz", "PET.nii.gz", "PET_mirrored.nii.gz"
    on_bone = "CT.nii.gz", "SPECT.nii.gz", "spect-ct", bone_mm
    of_t2 = t1, "T2.nii.gz", "mr-mr", lesion_mm
    return [
        Case("White on white", *on_bone, _BEFORE, _AFTER),
        Case("Pink white matter", t1, pet, "pet-mri", WHITE_MATTER, _BEFORE, _AFTER),
        Case("Mirrored lesion", t1, moved, "pet-mri", mirrored_mm, _BEFORE, checked),
        Case("T1 with T2", *of_t2, {**_BEFORE, **window}, {**_AFTER, **window}),
    ]


def _distances(
    shape: tuple[int, ...], affine: NDArray[np.float64], place_mm: Point
) -> NDArray[np.float64]:
    """Return the distance in mm of each voxel to a place."""
    index = np.moveaxis(np.indices(shape), 0, -1)
    return np.linalg.norm(index @ affine[:3, :3].T + affine[:3, 3] - place_mm, axis=-1)


def _write(path: Path, values: NDArray[Any], affine: NDArray[np.float64]) -> None:
    image = nibabel.Nifti1Image(np.round(values).astype("int16"), affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
