"""Four scans of one synthetic head, each on a grid and in a storage of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from scipy.spatial.transform import Rotation

from mactfusion.phantom import HeadPhantom

CENTRE_MM = (0.0, 6.0, 12.0)


@dataclass(frozen=True)
class Scan:
    """Grid and storage of one scan.

    Attributes:
        shape: voxels along the three storage axes.
        spacing_mm: distance of the voxels along them; negative where the axis runs towards left,
            posterior or inferior.
        turned_degrees: rotation of the grid about the patient's x, y and z axis.
        slope: units of one stored step.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    turned_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    slope: float = 1.0

    @property
    def affine(self) -> np.ndarray:
        """4x4, voxel index to RAS+ millimetres; the head is in the middle of the grid."""
        turn = Rotation.from_euler("xyz", self.turned_degrees, degrees=True).as_matrix()
        affine = np.eye(4)
        affine[:3, :3] = turn * np.array(self.spacing_mm)
        affine[:3, 3] = CENTRE_MM - affine[:3, :3] @ ((np.array(self.shape) - 1) / 2)
        return affine


SCANS = {
    "T1": Scan((160, 192, 36), (1.1, 1.1, 3.6)),
    # The head lies obliquely in the scanner.
    "CT": Scan((200, 244, 64), (-1.0, -1.0, 3.0), turned_degrees=(10.0, 0.0, 4.0)),
    "PET": Scan((80, 96, 66), (2.6, -2.6, 2.6), slope=1.7),
    # Stored from right to left: a reader that ignores the affine would mirror it.
    "SPECT": Scan((56, 64, 44), (-4.0, 4.0, 4.0)),
}


def demo_volumes(folder: str | Path) -> dict[str, Path]:
    """Write T1, CT (HU), PET (Bq/ml) and SPECT (counts) of one head as 16-bit NIfTI.

    Sizes, spacings and storage orders differ; CT is oblique, SPECT is stored mirrored, PET has a
    slope. All show the head at one place in world space.

    Args:
        folder: is made when missing.

    Returns:
        The files by modality: ``T1``, ``CT``, ``PET``, ``SPECT``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    head = HeadPhantom()
    files = {}
    for modality, scan in SCANS.items():
        values = head.sample(modality, scan.shape, scan.affine).as_tensor()[0].numpy()
        image = nibabel.Nifti1Image(np.round(values / scan.slope).astype("int16"), scan.affine)
        image.header.set_slope_inter(scan.slope, 0)
        image.header.set_xyzt_units("mm")
        image.header["descrip"] = f"synthetic head, {modality}".encode()
        files[modality] = folder / f"{modality}.nii.gz"
        nibabel.save(image, files[modality])
    return files
