"""Voxels stay in the order of their file, and are never those of who gave them."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from mactfusion.io import as_volume, read_volume
from mactfusion.io.write import stored_values

SHAPE = (5, 4, 3)


@pytest.mark.parametrize("kind", ["int16", "float32", "float64"])
def test_a_nifti_is_not_transposed_in_memory(tmp_path, kind):
    values = np.arange(60).reshape(SHAPE).astype(kind)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4), dtype=kind), tmp_path / "a.nii.gz")
    volume = read_volume(tmp_path / "a.nii.gz")
    assert np.array_equal(volume[0].numpy(), values)
    assert volume.as_tensor()[0].permute(2, 1, 0).is_contiguous()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_an_array_in_memory_is_copied(order, kind):
    array = np.asarray(np.random.default_rng(0).random(SHAPE).astype(kind), order=order)
    for source in ((array, np.eye(4)), nibabel.Nifti1Image(array, np.eye(4))):
        volume = as_volume(source)
        assert np.array_equal(volume[0].numpy(), array.astype("float32"))
        assert not np.shares_memory(volume.numpy(), array)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_stored_lies_as_files_have_it(channels, tmp_path):
    volume = as_volume((np.random.default_rng(0).random((*SHAPE, channels)).squeeze(), np.eye(4)))
    stored = stored_values(volume.as_tensor(), "uint8", tmp_path / "a.nii")
    expected = np.rint(np.moveaxis(volume.numpy(), 0, -1) * np.float32(255)).astype("uint8")
    assert np.array_equal(stored, expected.squeeze())
    assert stored.transpose(2, 1, 0, *range(3, stored.ndim)).flags.c_contiguous
