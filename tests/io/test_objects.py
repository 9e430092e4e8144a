"""What objects in memory mean by their voxels and their place."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.utils.enums import SpaceKeys
from nibabel.nifti1 import Nifti1Header

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.coerce import as_volume

if TYPE_CHECKING:
    from pathlib import Path

AFFINE = np.array([[2.0, 0, 0, -10], [0, 3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]])
VOXELS = (np.arange(5 * 6 * 7).reshape(5, 6, 7) % 101).astype(np.int16)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        (SpaceKeys.RAS, (1, 1, 1)),
        ("RAS", (1, 1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        (SpaceKeys.LPS, (-1, -1, 1)),
        ("LPS", (-1, -1, 1)),
        ("left-posterior-superior", (-1, -1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
    ],
)
def test_the_space_of_a_metatensor(space: str, signs: tuple[int, ...]) -> None:
    tensor = MetaTensor(torch.from_numpy(VOXELS)[None], affine=AFFINE, meta={"space": space})
    volume = as_volume(tensor)
    np.testing.assert_array_equal(volume.affine.numpy(), np.diag([*signs, 1]) @ AFFINE)
    assert volume.meta["space"] == "RAS"
    np.testing.assert_array_equal(tensor.affine.numpy(), AFFINE)


@pytest.mark.parametrize("space", ["scanner-xyz", "3D-right-handed", "nowhere"])
def test_an_unknown_space_is_refused(space: str) -> None:
    tensor = MetaTensor(torch.from_numpy(VOXELS)[None], affine=AFFINE, meta={"space": space})
    with pytest.raises(InputError, match=space):
        as_volume(tensor)


TENSORS = {
    "bfloat16": torch.from_numpy(VOXELS).bfloat16(),
    "float16": torch.from_numpy(VOXELS).half(),
    "float64": torch.from_numpy(VOXELS).double(),
    "with a gradient": torch.from_numpy(VOXELS).float().requires_grad_(),
    "a view": torch.from_numpy(np.repeat(VOXELS, 2, axis=1))[:, ::2],
    "turned": torch.from_numpy(np.ascontiguousarray(VOXELS.T)).permute(2, 1, 0),
    "negative": torch.complex(torch.zeros(VOXELS.shape), -torch.from_numpy(VOXELS).float())
    .conj()
    .imag,
}


@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
@pytest.mark.parametrize("kind", ["tuple", "MetaTensor"])
def test_dense_tensors_of_any_kind(tensor: torch.Tensor, kind: str) -> None:
    affine = torch.from_numpy(AFFINE)
    source: Any = (tensor, affine) if kind == "tuple" else MetaTensor(tensor[None], affine=affine)
    np.testing.assert_array_equal(as_volume(source)[0].numpy(), VOXELS)


def quantized() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.from_numpy(VOXELS).float(), 1, 0, torch.quint8)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: torch.from_numpy(VOXELS).to_sparse(), "sparse"),
        (lambda: torch.empty(VOXELS.shape, device="meta"), "without values"),
        (quantized, "quantized"),
        (lambda: torch.from_numpy(VOXELS).to(torch.complex64), "complex"),
        (lambda: torch.from_numpy(VOXELS) > 3, "boolean"),
        (lambda: np.ma.masked_less(VOXELS, 20), "masked"),
        (lambda: np.ma.masked_less(VOXELS, -1), "masked"),
        (lambda: VOXELS.astype(object), "no intensities"),
        (lambda: VOXELS.astype([("a", "i2")]), "no intensities"),
        (lambda: VOXELS.astype("datetime64[s]"), "no intensities"),
        (lambda: Broken(), "no array of numbers"),
    ],
)
def test_what_holds_no_numbers_is_refused(make: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as error:
        as_volume((make(), AFFINE))
    assert "\n" not in str(error.value)


class Broken:
    """Looks like an array, and fails when it is asked."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise RuntimeError("of some\nlibrary")


class Lazy:
    """As Dask and xarray do."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return VOXELS


class Named(np.ndarray):
    """A subclass."""


ARRAYS = {
    "big-endian": VOXELS.astype(">i2"),
    "float128": VOXELS.astype(np.longdouble),
    "Fortran order": np.asfortranarray(VOXELS),
    "negative strides": VOXELS[::-1][::-1],
    "read-only": np.broadcast_to(VOXELS, VOXELS.shape),
    "subclass": VOXELS.view(Named),
    "lazy": Lazy(),
    "lists": VOXELS.tolist(),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_any_kind(array: Any) -> None:
    volume = as_volume((array, AFFINE))
    np.testing.assert_array_equal(volume[0].numpy(), VOXELS)
    assert type(volume.numpy()) is np.ndarray


def test_a_memory_map(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "voxels", np.int16, "w+", shape=VOXELS.shape)
    mapped[:] = VOXELS
    np.testing.assert_array_equal(as_volume((mapped, AFFINE))[0].numpy(), VOXELS)


@pytest.mark.parametrize("row", [(0, 0, 0, 2), (0.1, 0, 0, 1), (0, 0, 0, 0)])
def test_the_last_row_of_an_affine(row: tuple[float, ...]) -> None:
    affine = np.vstack([AFFINE[:3], row])
    with pytest.raises(InputError, match="last row"):
        as_volume((VOXELS, affine))
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.affine[3] = row
    with pytest.raises(InputError, match="last row"):
        as_volume(image)


@pytest.mark.parametrize("length", [1e9, 1e30])
def test_absurd_lengths(length: float) -> None:
    affine = AFFINE.copy()
    affine[0, 3] = length
    with pytest.raises(InputError, match="absurd"):
        as_volume((VOXELS, affine))


@pytest.mark.parametrize(
    "kind", [nibabel.AnalyzeImage, nibabel.Spm99AnalyzeImage, nibabel.Spm2AnalyzeImage]
)
def test_analyze_does_not_say_where_left_is(kind: Any) -> None:
    with pytest.raises(InputError, match="left and right"):
        as_volume(kind(VOXELS, AFFINE))


def test_mgh_in_memory() -> None:
    volume = as_volume(nibabel.MGHImage(VOXELS, AFFINE))
    np.testing.assert_array_equal(volume[0].numpy(), VOXELS)
    np.testing.assert_allclose(volume.affine.numpy(), AFFINE, atol=1e-5)


def write_afni(folder: Path, factors: tuple[float, ...]) -> Path:
    """A ``.HEAD`` with its ``.BRIK`` of one brick, at the place of `AFFINE`."""

    def attribute(kind: str, name: str, *values: object) -> str:
        words = " ".join(map(str, values))
        if kind == "string":
            return f"type = string-attribute\nname = {name}\ncount = {len(words) + 1}\n'{words}~\n"
        return f"type = {kind}-attribute\nname = {name}\ncount = {len(values)}\n{words}\n"

    # AFNI counts from right, anterior and inferior: x and y of RAS with another sign
    place = (np.diag([-1, -1, 1]) @ AFFINE[:3]).ravel()
    (folder / "head+orig.HEAD").write_text(
        "\n".join(
            [
                attribute("integer", "DATASET_RANK", 3, 1, 0, 0, 0, 0, 0, 0),
                attribute("integer", "DATASET_DIMENSIONS", *VOXELS.shape, 0, 0),
                attribute("integer", "BRICK_TYPES", 1),
                attribute("float", "BRICK_FLOAT_FACS", *factors),
                attribute("float", "DELTA", 2, 3, 4),
                attribute("float", "ORIGIN", *place.reshape(3, 4)[:, 3]),
                attribute("integer", "ORIENT_SPECIFIC", 1, 2, 4),
                attribute("float", "IJK_TO_DICOM_REAL", *place),
                attribute("string", "BYTEORDER_STRING", "LSB_FIRST"),
                attribute("string", "TEMPLATE_SPACE", "ORIG"),
                attribute("integer", "SCENE_DATA", 0, 0, 0, 0, 0, 0, 0, 0),
            ]
        )
    )
    (folder / "head+orig.BRIK").write_bytes(VOXELS.astype("<i2").tobytes("F"))
    return folder / "head+orig.HEAD"


@pytest.mark.parametrize("factor", [0.0, 0.25, 3.0])
def test_the_factor_of_an_afni_brick(tmp_path: Path, factor: float) -> None:
    image = nibabel.load(write_afni(tmp_path, (factor,)))
    volume = as_volume(image)
    np.testing.assert_allclose(volume[0].numpy(), VOXELS * (factor or 1))
    np.testing.assert_allclose(volume.affine.numpy(), AFFINE)


@pytest.mark.parametrize("byte", [2 | 64, 2 | 128, 2 | 8, 0])
def test_the_unit_of_an_image_in_memory(byte: int) -> None:
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.header["xyzt_units"] = byte
    with warnings.catch_warnings():
        warnings.simplefilter("error", FusionWarning)
        volume = as_volume(image)
    np.testing.assert_array_equal(volume.affine.numpy(), AFFINE)


def test_a_warning_that_is_made_an_error_stays_one() -> None:
    image = nibabel.Nifti1Image(VOXELS, AFFINE, Nifti1Header())
    image.header["xyzt_units"] = 5
    with warnings.catch_warnings():
        warnings.simplefilter("error", FusionWarning)
        with pytest.raises(FusionWarning, match="unit of length"):
            as_volume(image)
