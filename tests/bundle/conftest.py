"""The bundle as a folder of its own, and small data for it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from warm_python import run_anew

from training.zoo import NAME, make_zoo_folder

BUNDLE = Path(__file__).resolve().parents[2] / "monai_bundle"


@pytest.fixture(scope="session")
def bundle():
    """The bundle's folder in this project."""
    return BUNDLE


@pytest.fixture(scope="session")
def run_bundle(warm):
    """Run ``python -m monai.bundle`` in a folder, and give what it printed.

    With ``anew`` in a process that imports everything itself, as users have it.
    """

    def run(folder, *arguments, anew=False):
        run_python = run_anew if anew else warm.run
        code, printed = run_python("-m", "monai.bundle", *arguments, cwd=folder)
        assert code == 0, printed[-6000:]
        return printed

    return run


@pytest.fixture(scope="session")
def copy_version():
    """The version that the copy of the bundle calls itself."""
    return "9.8.7"


@pytest.fixture(scope="session")
def bundle_alone(tmp_path_factory, copy_version):
    """A copy of the bundle somewhere else, with a version of its own to know it by."""
    folder = tmp_path_factory.mktemp("elsewhere") / "fusion"
    ignored = shutil.ignore_patterns("runs", "__pycache__")
    shutil.copytree(BUNDLE, folder, ignore=ignored)
    initial = folder / "mactfusion" / "__init__.py"
    text, count = re.subn(
        r'__version__ = "[^"]+"', f'__version__ = "{copy_version}"', initial.read_text()
    )
    assert count == 1
    initial.write_text(text)
    return folder


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory):
    """What ``make zoo`` makes."""
    folder = tmp_path_factory.mktemp("zoo") / NAME
    make_zoo_folder(folder)
    return folder


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """An oblique MR of 20 x 24 x 3 voxels and a PET on a grid of its own."""
    folder = tmp_path_factory.mktemp("pair")
    rng = np.random.default_rng(0)
    angle = np.deg2rad(10)
    turned = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turned @ np.diag([-2.0, 2.0, 4.0])
    affine[:3, 3] = 20, -24, -6
    mr = rng.integers(0, 900, (20, 24, 3)).astype(np.int16)
    nib.save(nib.Nifti1Image(mr, affine), folder / "mr.nii.gz")
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -28, -32, -16
    pet = 8e3 * rng.random((14, 16, 9), dtype=np.float32)
    nib.save(nib.Nifti1Image(pet, affine), folder / "pet.nii.gz")
    return folder / "mr.nii.gz", folder / "pet.nii.gz"


@pytest.fixture(scope="session")
def slices(tmp_path_factory):
    """Two cases of two slices for CT and for colour PET, as the public split lays them out."""
    folder = tmp_path_factory.mktemp("slices")
    rng = np.random.default_rng(0)
    for task, channels in (("CT-MRI", ()), ("PET-MRI", (3,))):
        for modality, shape in (("MRI", (40, 48)), (task.split("-")[0], (40, 48, *channels))):
            target = folder / task / "train" / modality
            target.mkdir(parents=True)
            for name in ("1001", "1002", "2001", "2002"):
                pixels = rng.integers(0, 256, shape, dtype=np.uint8)
                Image.fromarray(pixels).save(target / f"{name}.png")
    return folder
