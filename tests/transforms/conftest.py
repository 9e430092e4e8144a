"""Volumes for the tests of the transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

if TYPE_CHECKING:
    from pathlib import Path

VolumeMaker = Callable[..., MetaTensor]

PICTURE_AFFINE = torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0], dtype=torch.float64))


@pytest.fixture(scope="session")
def make_volume() -> VolumeMaker:
    """Make a volume from anything array-like, channel first, with the meta of the library."""

    def make(voxels: Any, affine: Any = None, **meta: Any) -> MetaTensor:
        if affine is None:
            affine = PICTURE_AFFINE if meta.get("is_image") else np.eye(4)
        defaults = {
            "filename_or_obj": "array",
            "modality": "",
            "units": "",
            "source_dtype": "float32",
            "is_image": False,
            "affine": torch.as_tensor(affine, dtype=torch.float64),
        }
        return MetaTensor(torch.as_tensor(voxels, dtype=torch.float32), meta={**defaults, **meta})

    return make


@pytest.fixture(scope="session")
def load(make_volume: VolumeMaker) -> Callable[[Path], MetaTensor]:
    """Read a scalar NIfTI file independently of the library's readers."""

    def read(path: Path) -> MetaTensor:
        image = nib.load(path)
        voxels = np.asarray(image.get_fdata(dtype=np.float32))[None]
        return make_volume(
            voxels,
            image.affine,
            filename_or_obj=str(path),
            source_dtype=str(image.get_data_dtype()),
        )

    return read


@pytest.fixture
def head(make_volume: VolumeMaker) -> dict[str, MetaTensor]:
    """Five volumes of one round head on one grid of 24 x 28 x 20 voxels of 2 mm."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -20, -25, -15
    axes = [np.linspace(-1, 1, size) for size in (24, 28, 20)]
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
    noise = np.random.default_rng(0)
    brain, skull = radius < 0.7, (radius >= 0.7) & (radius < 0.8)

    def volume(values: np.ndarray, sigma: float, **meta: Any) -> MetaTensor:
        return make_volume((values + noise.normal(0, sigma, values.shape))[None], affine, **meta)

    uptake = np.where(brain, 4000.0 * (1 - radius), 0)
    return {
        "mr": volume(np.where(brain, 700.0, np.where(skull, 100.0, 20.0)), 5),
        "ct": volume(np.where(brain, 35.0, np.where(skull, 900.0, -1000.0)), 4),
        "t2": volume(np.where(brain, 300.0, np.where(skull, 150.0, 20.0)), 5),
        "pet": make_volume(uptake[None], affine),
        "color": make_volume(
            np.stack([uptake / 4000, uptake / 8000, uptake / 40000]), affine, source_dtype="uint8"
        ),
    }
