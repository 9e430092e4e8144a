"""Make the sample data of the panel from the library's synthetic head.

Run with the library's Python; it writes a thumbnail too, and prints the SHA-256 sums that
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
GRIDS = {  # file: modality, shape, spacing in mm, rotation about the left-right axis in degrees
    "mr.nrrd": ("T1", (112, 136, 28), (1.7, 1.7, 5.5), 0.0),
    "pet.nrrd": ("PET", (60, 72, 40), (3.3, 3.3, 4.2), 8.0),
}


def main() -> None:
    """Write both volumes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    head = HeadPhantom(seed=11)
    for name, (modality, shape, spacing, degrees) in GRIDS.items():
        affine = _affine(shape, spacing, degrees)
        voxels = head.sample(modality, shape, affine)[0].numpy()
        image = SimpleITK.GetImageFromArray(np.round(voxels).astype(np.int16).transpose(2, 1, 0))
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        image.SetSpacing(spacing)
        image.SetDirection((lps[:3, :3] / np.array(spacing)).ravel().tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        path = FOLDER / name
        SimpleITK.WriteImage(image, str(path), useCompression=True, compressionLevel=9)
        print(name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())  # noqa: T201
    _write_thumbnail()


def _write_thumbnail() -> None:
    """Write the fused slice through the lesion, for the module Sample Data."""
    result = fuse_volumes(FOLDER / "mr.nrrd", FOLDER / "pet.nrrd", task="pet-mri")
    middle = result.fused.shape[-1] * 4 // 7
    pixels = (result.fused[..., middle].numpy() * 255).round().astype(np.uint8).transpose(2, 1, 0)
    Image.fromarray(pixels).resize((224, 272), Image.Resampling.BICUBIC).save(
        FOLDER / "thumbnail.png", optimize=True
    )


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
