"""A head, and partners of it that lie elsewhere."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK

from mactfusion.phantom import HeadPhantom
from mactfusion.registration.linear import from_itk

MM = 3.0


@pytest.fixture(scope="session")
def moved_by():
    """4x4 from a point of the head to the point of the partner that shows it, RAS."""
    return from_itk(SimpleITK.Euler3DTransform((0, 0, 0), 0.1, -0.08, 0.15, (9.0, -6.0, 4.0)))


def _sampled(modality):
    shape = (60, 68, 60)
    affine = np.diag([MM, MM, MM, 1.0])
    affine[:3, 3] = np.array([0.0, 6.0, 12.0]) - (np.array(shape) - 1) * MM / 2
    values = HeadPhantom().sample(modality, shape, affine).as_tensor()[0].numpy()
    return values.astype(np.float32), affine


@pytest.fixture(scope="session")
def sampled(moved_by):
    """``(array, affine)`` by name: T1 and CT in place, PET and SPECT moved."""
    volumes = {name: _sampled(name) for name in ("T1", "CT", "PET", "SPECT")}
    for name in ("PET", "SPECT"):
        array, affine = volumes[name]
        volumes[name] = (array, moved_by @ affine)
    return volumes


@pytest.fixture
def head(tmp_path, monkeypatch, sampled):
    """``T1.nii.gz``, ``PET.nii.gz``, ``SPECT.nii.gz`` in the working folder, which is the value."""
    monkeypatch.chdir(tmp_path)
    for name, (array, affine) in sampled.items():
        nibabel.save(nibabel.Nifti1Image(array, affine), f"{name}.nii.gz")
    return tmp_path
