"""Partners of all kinds beside one MR."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from mactfusion import fuse_volumes

TASKS = {"ct": "ct-mri", "pet": "pet-mri", "spect": "spect-mri", "t2": "mr-mr"}


@pytest.fixture
def volumes(mr, pet):
    """A CT on the grid of the MR, PET and SPECT on others; uptake in one half each."""
    array, affine = mr
    ct = np.where(array > 500, 900, np.where(array > 0, 40, -1000)).astype(np.float32)
    pet_array, pet_affine = pet
    left, right = pet_array.copy(), pet_array[::-1].copy() / 3
    left[:10], right[8:] = 0, 0
    return {
        "ct": (ct, affine),
        "pet": (left, pet_affine),
        "spect": (right, pet_affine),
        "t2": (np.where(array > 0, 900 - array, 0).astype(np.float32), affine),
    }


@pytest.fixture
def fuse_several(mr, volumes, pixel_maximum):
    """``fuse_several("ct", "pet", ...)`` with the stand-in for the network."""

    def run(*names, **options):
        partners = [volumes[name] for name in names]
        tasks = [TASKS[name] for name in names]
        return fuse_volumes(mr, partners, **{"task": tasks, "weights": pixel_maximum} | options)

    return run


@pytest.fixture
def three_files(files, volumes):
    """``ct.nii.gz`` and ``spect.nii.gz`` beside MR and PET."""
    for name in ("ct", "pet", "spect"):
        nibabel.save(nibabel.Nifti1Image(*volumes[name]), f"{name}.nii.gz")
    return files
