"""Three cases of pictures, and a fused volume."""

from __future__ import annotations

import pytest
from noise_pictures import noise, save

from mactfusion import fuse_volumes


@pytest.fixture
def folders(tmp_path):
    """Three cases: grey MR, colour PET, and their mean."""
    for number, name in enumerate(("1", "2", "3")):
        mr, pet = noise(number), noise(10 + number, (30, 36, 3))
        save(tmp_path / "mr" / f"{name}.png", mr)
        save(tmp_path / "pet" / f"{name}.png", pet)
        save(tmp_path / "fused" / f"{name}.png", (mr + pet.mean(axis=2)) / 2)
    return tmp_path


@pytest.fixture
def fused(files, pixel_maximum):
    """Fuse ``mr.nii.gz`` and ``pet.nii.gz``: ``fused("name.nii.gz", **options)``."""

    def run(name, **options):
        options = {"task": "pet-mri", "weights": pixel_maximum, **options}
        return fuse_volumes("mr.nii.gz", "pet.nii.gz", output=name, **options)

    return run
