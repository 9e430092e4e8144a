"""`as_volume`: every kind of object gives the same volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from monai.data import MetaTensor
from torch.utils.data import default_collate

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.coerce import as_volume

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ["path", "text path", "metatensor", "nibabel", "simpleitk", "tuple", "tensor tuple"]


def in_hand(kind: str, array: np.ndarray, affine: np.ndarray, folder: Path) -> Any:
    """The volume as an object of that kind; array ``(I, J, K)`` or ``(I, J, K, 3)`` uint8."""
    if kind in ("path", "text path", "nibabel"):
        rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
        stored = array if array.ndim == 3 else array.view(rgb)[..., 0]
        image = nibabel.Nifti1Image(stored, affine)
        path = folder / "head.nii.gz"
        nibabel.save(image, path)
        return {"path": path, "text path": str(path), "nibabel": image}[kind]
    if kind == "metatensor":
        first = array[None] if array.ndim == 3 else np.moveaxis(array, -1, 0) / 255
        return MetaTensor(torch.as_tensor(first), affine=torch.as_tensor(affine))
    if kind == "simpleitk":
        order = (2, 1, 0, 3)[: array.ndim]
        image = SimpleITK.GetImageFromArray(array.transpose(order), isVector=array.ndim == 4)
        lps = np.diag([-1, -1, 1, 1]) @ affine
        spacing_mm = np.linalg.norm(lps[:3, :3], axis=0)
        image.SetSpacing(spacing_mm.tolist())
        image.SetDirection((lps[:3, :3] / spacing_mm).ravel().tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        return image
    if kind == "tensor tuple":
        return torch.from_numpy(array), torch.from_numpy(affine)
    return array, affine


@pytest.mark.parametrize("kind", KINDS)
def test_scalar(tmp_path: Path, scalar: np.ndarray, affine: np.ndarray, kind: str) -> None:
    volume = as_volume(in_hand(kind, scalar, affine, tmp_path))
    np.testing.assert_array_equal(volume.numpy(), scalar[None].astype(np.float32))
    np.testing.assert_allclose(volume.affine.numpy(), affine, atol=1e-5)
    assert volume.affine.dtype == torch.float64
    assert volume.meta["source_dtype"] == "int16"


@pytest.mark.parametrize("kind", KINDS)
def test_colour(tmp_path: Path, colour: np.ndarray, affine: np.ndarray, kind: str) -> None:
    volume = as_volume(in_hand(kind, colour, affine, tmp_path))
    np.testing.assert_allclose(volume.numpy(), np.moveaxis(colour, -1, 0) / 255, atol=1e-7)
    np.testing.assert_allclose(volume.affine.numpy(), affine, atol=1e-5)


def test_the_source_is_not_changed(scalar: np.ndarray) -> None:
    array = scalar.astype(np.float32)
    array[0, 0, 0] = np.nan
    source = MetaTensor(torch.from_numpy(array.copy())[None], affine=torch.eye(4))
    with pytest.warns(FusionWarning, match="1 values are not finite"):
        volume = as_volume(source)
    np.testing.assert_array_equal(source[0].numpy(), array)
    assert volume.isfinite().all()


def test_known_meta_is_kept_and_all_meta_collates(scalar: np.ndarray) -> None:
    meta = {"modality": "PT", "units": "BQML", "source_dtype": "uint16", "something": "else"}
    source = MetaTensor(torch.from_numpy(scalar)[None], affine=torch.eye(4), meta=meta)
    volume = as_volume(source)
    assert volume.meta["modality"] == "PT"
    assert volume.meta["units"] == "BQML"
    assert volume.meta["source_dtype"] == "uint16"
    assert volume.meta["filename_or_obj"] == "array"
    assert "something" not in volume.meta
    plain = as_volume((scalar, np.eye(4)))
    assert set(plain.meta) == set(volume.meta)
    assert default_collate([dict(volume.meta), dict(plain.meta)])["modality"] == ["PT", ""]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "type NoneType"),
        (np.ones((3, 3, 3)), "type ndarray"),
        (torch.ones(1, 3, 3, 3), "type Tensor"),
        ((np.ones((3, 3, 3)),), "type tuple"),
        ((np.arange(9.0).reshape(3, 3), np.eye(4)), "2 dimensions"),
        ((np.arange(27.0).reshape(3, 3, 3), np.eye(3)), "4 x 4 affine"),
        ((np.arange(27.0).reshape(3, 3, 3), None), "4 x 4 affine"),
        ((np.arange(27.0).reshape(3, 3, 3), np.diag([1.0, 0, 1, 1])), "spacing of zero"),
        ((np.arange(27.0).reshape(3, 3, 3), np.full((4, 4), np.nan)), "not finite"),
        ((np.arange(27.0).reshape(3, 3, 3), np.ones((4, 4))), "singular"),
        ((np.ones((3, 3, 3), bool), np.eye(4)), "boolean"),
        ((np.ones((3, 3, 3), complex), np.eye(4)), "complex"),
        ((np.zeros((0, 3, 3)), np.eye(4)), "no voxels"),
        ((np.array(["a"]), np.eye(4)), "no intensities"),
        ((np.arange(54.0).reshape(3, 3, 3, 2), np.eye(4)), "2 components"),
        ((np.arange(81.0).reshape(3, 3, 3, 3), np.eye(4)), "outside 0 to 1"),
        ((np.arange(81).reshape(3, 3, 3, 3), np.eye(4)), "colours of type int64"),
        (MetaTensor(torch.ones(3, 3, 3)), "MetaTensor must have the shape"),
        (MetaTensor(torch.ones(2, 3, 3, 3)), "MetaTensor must have the shape"),
        (nibabel.Nifti1Image(np.arange(27.0).reshape(3, 3, 3), None), "position is unknown"),
        (SimpleITK.Image([3, 3, 3], SimpleITK.sitkComplexFloat32), "complex"),
        (SimpleITK.Image([3, 3, 3], SimpleITK.sitkVectorFloat32, 3), "no colours"),
        (SimpleITK.Image([3, 3, 3, 2], SimpleITK.sitkUInt8), "2 frames"),
    ],
)
def test_what_is_no_volume_is_refused(source: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as error:
        as_volume(source)
    assert "\n" not in str(error.value)
