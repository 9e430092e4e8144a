"""Make the sample data of the panel from the library's synthetic head.

Run with the library's Python; it writes thumbnails too, and prints the SHA-256 sums that
MACTFusionLib/nodes/samples.py checks:

    python MACTFusionSlicer/Testing/make_samples.py
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import SimpleITK
from PIL import Image

from mactfusion import fuse_volumes
from mactfusion.phantom import HeadPhantom

FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Samples"
LESION_MM = 10.0
"""Above the middle: where the slice of the thumbnails lies."""
GRIDS = {  # file: modality, shape, spacing in mm, rotation about the left-right axis in degrees
    "mr.nrrd": ("T1", (92, 112, 22), (2.0, 2.0, 7.0), 0.0),
    "ct.nrrd": ("CT", (96, 112, 26), (2.0, 2.0, 6.0), -5.0),
    "pet.nrrd": ("PET", (60, 72, 40), (3.3, 3.3, 4.2), 8.0),
}
STEPS = {"T1": (5.0, 1.0), "CT": (1.0, 8.0), "PET": (2000.0, 0.0625)}
"""What the phantom's values are divided by (PET becomes SUV), and rounded to, for small files."""
PAIRS = {"mr-pet": "pet-mri", "mr-ct": "ct-mri", "ct-pet": "pet-ct"}


def main() -> None:
    """Write the volumes, and a picture of each pair."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    head = HeadPhantom(seed=11)
    for name, (modality, shape, spacing, degrees) in GRIDS.items():
        affine = _affine(shape, spacing, degrees)
        divisor, step = STEPS[modality]
        voxels = head.sample(modality, shape, affine)[0].numpy() / divisor
        voxels = np.round(voxels / step) * step
        kind = np.float32 if modality == "PET" else np.int16
        image = SimpleITK.GetImageFromArray(voxels.astype(kind).transpose(2, 1, 0))
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        image.SetSpacing(spacing)
        image.SetDirection((lps[:3, :3] / np.array(spacing)).ravel().tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        path = FOLDER / name
        SimpleITK.WriteImage(image, str(path), useCompression=True, compressionLevel=9)
        print(name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())  # noqa: T201
    for name, task in PAIRS.items():
        _write_thumbnail(name, task)


def _write_thumbnail(name: str, task: str) -> None:
    """Write a fused slice through the lesion, for the module Sample Data."""
    anatomical, partner = (FOLDER / f"{kind}.nrrd" for kind in name.split("-"))
    result = fuse_volumes(anatomical, partner, task=task)
    voxels = result.fused.numpy()
    if len(voxels) == 1:
        voxels = np.repeat(voxels, 3, axis=0)
    middle = round(np.linalg.solve(result.fused.affine.numpy(), [0, 0, LESION_MM, 1])[2])
    pixels = (voxels[..., middle] * 255).round().astype(np.uint8)
    picture = Image.fromarray(pixels.transpose(2, 1, 0))
    picture = picture.resize((184, 224), Image.Resampling.BICUBIC)
    picture.save(FOLDER / f"{name}.png", optimize=True)


def _affine(shape: tuple, spacing: tuple, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-spacing[0], -spacing[1], spacing[2]])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


if __name__ == "__main__":
    main()
