"""NIfTI numbers of more than 24 bits: slope and intercept come before the rounding to float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest

from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (5, 4, 3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["i4", "u4", "i8", "u8", "f8"])
def test_intercept_of_large_numbers(tmp_path: Path, dtype: str, order: str) -> None:
    """In float32 neighbours of 2 ** 30 are 64 apart, so that most of the values would be lost."""
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    header = nibabel.Nifti1Header(endianness=order)
    image = nibabel.Nifti1Image((2**30 + values).astype(dtype), np.eye(4), header, dtype=dtype)
    image.header.set_slope_inter(0.5, -(2**29))
    nibabel.save(image, tmp_path / "large.nii.gz")
    volume = read_volume(tmp_path / "large.nii.gz")
    np.testing.assert_array_equal(volume[0].numpy(), values / 2)
    assert str(volume.dtype) == "torch.float32"
    assert volume.meta["source_dtype"] == np.dtype(dtype).name


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "float32"])
def test_what_float32_holds_is_scaled_in_it(tmp_path: Path, dtype: str) -> None:
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.header.set_slope_inter(0.3, 7)
    nibabel.save(image, tmp_path / "small.nii")
    expected = values.astype(np.float32) * np.float32(0.3) + np.float32(7)
    np.testing.assert_array_equal(read_volume(tmp_path / "small.nii")[0].numpy(), expected)
