"""`read_volume` on NIfTI, NRRD and MetaImage: the right volume, or one sentence."""

from __future__ import annotations

import gzip
import os
import warnings
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest
import SimpleITK

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

BAD_INPUT = {
    "c_orientation/t1_no_qform_no_sform.nii.gz": "neither sform nor qform",
    "d_bad_dims/all_zero.nii.gz": r"constant \(0\)",
    "d_bad_dims/constant7.nii.gz": r"constant \(7\), nothing to fuse",
    "d_bad_dims/empty.nii.gz": "empty",
    "d_bad_dims/not_a_nifti.nii.gz": "damaged",
    "d_bad_dims/sheared_affine.nii.gz": "sheared affine",
    "d_bad_dims/singular_affine.nii": "singular|spacing",
    "d_bad_dims/t1_4d_4vols.nii.gz": "4 frames",
    "d_bad_dims/t1_5d_vector3.nii.gz": "5 dimensions",
    "d_bad_dims/t1_complex64.nii.gz": "complex",
    "d_bad_dims/truncated.nii.gz": "incomplete",
    "e_nan_inf/all_nan.nii.gz": "no finite value",
    "f_tiny/one_voxel_1x1x1.nii.gz": r"constant \(5\)",
}
COLOUR_OR_NOT_FINITE = ("t1_rgb24", "t1_nan_background", "t1_scattered_nan_inf")


def save_nifti(
    path: Path, array: np.ndarray, affine: np.ndarray, sform: int = 1, qform: int = 1
) -> Path:
    image = nibabel.Nifti1Image(array, affine)
    image.set_sform(affine, code=sform)
    image.set_qform(affine, code=qform)
    nibabel.save(image, path)
    return path


def assert_one_sentence(error: pytest.ExceptionInfo[InputError], path: Path) -> None:
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    assert "ITK ERROR" not in message
    assert "Traceback" not in message


@pytest.mark.parametrize("extension", [".nii", ".nii.gz"])
def test_nifti_keeps_values_and_place(
    tmp_path: Path, scalar: np.ndarray, affine: np.ndarray, extension: str
) -> None:
    path = save_nifti(tmp_path / f"head{extension}", scalar, affine)
    volume = read_volume(path)
    assert volume.shape == (1, *scalar.shape)
    assert str(volume.dtype) == "torch.float32"
    assert str(volume.affine.dtype) == "torch.float64"
    np.testing.assert_array_equal(volume[0].numpy(), scalar)
    np.testing.assert_array_equal(volume.affine.numpy(), nibabel.load(path).affine)
    assert volume.meta["source_dtype"] == "int16"
    assert volume.meta["is_image"] is False
    assert volume.meta["filename_or_obj"] == str(path)


@pytest.mark.parametrize("extension", [".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64", "float64"])
def test_nrrd_and_metaimage_keep_values_and_place(
    tmp_path: Path, scalar: np.ndarray, affine: np.ndarray, extension: str, dtype: str
) -> None:
    image = itk_image(scalar.astype(dtype), affine)
    path = tmp_path / f"head{extension}"
    SimpleITK.WriteImage(image, str(path))
    volume = read_volume(path)
    np.testing.assert_array_equal(volume[0].numpy(), scalar.astype(dtype))
    np.testing.assert_allclose(volume.affine.numpy(), affine, atol=1e-9)
    assert volume.meta["source_dtype"] == dtype


def itk_image(array: np.ndarray, affine: np.ndarray) -> SimpleITK.Image:
    """Array ``(I, J, K)`` or ``(I, J, K, C)`` and affine in RAS."""
    order = (2, 1, 0, 3)[: array.ndim]
    image = SimpleITK.GetImageFromArray(array.transpose(order), isVector=array.ndim == 4)
    lps = np.diag([-1, -1, 1, 1]) @ affine
    spacing_mm = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing_mm.tolist())
    image.SetDirection((lps[:3, :3] / spacing_mm).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def test_slope_is_applied_and_stored_type_told(tmp_path: Path, scalar: np.ndarray) -> None:
    image = nibabel.Nifti1Image(scalar, np.eye(4))
    image.header.set_slope_inter(0.5, -10)
    nibabel.save(image, tmp_path / "slope.nii.gz")
    volume = read_volume(tmp_path / "slope.nii.gz")
    np.testing.assert_allclose(volume[0].numpy(), scalar * 0.5 - 10, atol=1e-5)
    assert volume.meta["source_dtype"] == "int16"


def test_rgb24_nifti_is_colour(tmp_path: Path, colour: np.ndarray, affine: np.ndarray) -> None:
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    path = save_nifti(tmp_path / "rgb.nii.gz", colour.view(rgb)[..., 0], affine)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.numpy(), np.moveaxis(colour, -1, 0) / 255, atol=1e-7)
    assert volume.meta["source_dtype"] == "uint8"


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_vector_nrrd_is_colour_and_alpha_is_premultiplied(
    tmp_path: Path, colour: np.ndarray, dtype: str
) -> None:
    full = np.iinfo(dtype).max
    scaled = (colour / 255 * full).astype(dtype)
    alpha = np.full((*scaled.shape[:3], 1), full, dtype)
    alpha[0] = 0
    alpha[1] = full // 3
    for name, array in {"rgb": scaled, "rgba": np.concatenate([scaled, alpha], -1)}.items():
        SimpleITK.WriteImage(itk_image(array, np.eye(4)), str(tmp_path / f"{name}.nrrd"))
    opaque = read_volume(tmp_path / "rgb.nrrd").numpy()
    np.testing.assert_allclose(opaque, np.moveaxis(scaled, -1, 0) / full, atol=1e-6)
    expected = opaque * np.moveaxis(alpha, -1, 0) / full
    np.testing.assert_allclose(read_volume(tmp_path / "rgba.nrrd").numpy(), expected, atol=1e-6)


def test_colour_that_is_grey_becomes_one_channel(tmp_path: Path, colour: np.ndarray) -> None:
    grey = np.repeat(colour[..., :1], 3, axis=-1)
    SimpleITK.WriteImage(itk_image(grey, np.eye(4)), str(tmp_path / "grey.mha"))
    volume = read_volume(tmp_path / "grey.mha")
    np.testing.assert_array_equal(volume.numpy(), grey[None, ..., 0])


def test_one_frame_is_squeezed_and_a_2d_slice_gets_a_third_axis(
    tmp_path: Path, scalar: np.ndarray, affine: np.ndarray
) -> None:
    framed = read_volume(save_nifti(tmp_path / "framed.nii", scalar[..., None], affine))
    assert framed.shape == (1, *scalar.shape)
    flat = read_volume(save_nifti(tmp_path / "flat.nii", scalar[..., 2], affine))
    np.testing.assert_array_equal(flat[0, ..., 0].numpy(), scalar[..., 2])
    np.testing.assert_allclose(flat.affine.numpy(), affine, atol=1e-5)
    SimpleITK.WriteImage(itk_image(scalar, affine)[:, :, 2], str(tmp_path / "flat.mha"))
    np.testing.assert_array_equal(read_volume(tmp_path / "flat.mha")[0, ..., 0], scalar[..., 2])


def test_not_finite_voxels_take_the_smallest_value_with_a_warning(tmp_path: Path) -> None:
    array = np.linspace(2.5, 60, 60, dtype=np.float32).reshape(5, 4, 3)
    array[0, 0, :] = (np.nan, np.inf, -np.inf)
    array[4, 3, 2] = 3.4e38
    path = save_nifti(tmp_path / "holes.nii.gz", array, np.eye(4))
    with pytest.warns(FusionWarning, match=r"3 values are not finite .* value, 5\.4"):
        volume = read_volume(path)
    np.testing.assert_array_equal(volume[0, 0, 0].numpy(), array[0, 1, 0])
    assert volume.max().item() == np.float32(3.4e38)


def test_forms_that_disagree_are_told(tmp_path: Path, scalar: np.ndarray) -> None:
    image = nibabel.Nifti1Image(scalar, np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 12
    image.set_sform(moved, code=1)
    image.set_qform(np.eye(4), code=1)
    nibabel.save(image, tmp_path / "two.nii")
    with pytest.warns(FusionWarning, match=r"sform .* 12\.0 mm apart"):
        volume = read_volume(tmp_path / "two.nii")
    np.testing.assert_array_equal(volume.affine.numpy(), moved)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("meter", 1e3), ("micron", 1e-3)])
def test_units_of_length(tmp_path: Path, scalar: np.ndarray, unit: str, factor: float) -> None:
    image = nibabel.Nifti1Image(scalar, np.eye(4))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "unit.nii")
    affine = read_volume(tmp_path / "unit.nii").affine.numpy()
    np.testing.assert_allclose(affine, np.diag([factor, factor, factor, 1]))


@pytest.mark.parametrize("pixdim", [0.0, -2.0])
def test_spacing_must_be_positive_in_nifti(
    tmp_path: Path, scalar: np.ndarray, pixdim: float
) -> None:
    path = save_nifti(tmp_path / "spacing.nii", scalar, np.eye(4))
    content = bytearray(path.read_bytes())
    content[84:88] = np.float32(pixdim).tobytes()
    path.write_bytes(content)
    with pytest.raises(InputError, match="spacing that is not positive") as error:
        read_volume(path)
    assert_one_sentence(error, path)


@pytest.mark.parametrize("spacing", ["1 0 1", "1 -2 1"])
@pytest.mark.parametrize("extension", [".mha", ".nrrd"])
def test_spacing_must_be_positive_in_text_headers(
    tmp_path: Path, scalar: np.ndarray, spacing: str, extension: str
) -> None:
    path = tmp_path / f"spacing{extension}"
    SimpleITK.WriteImage(itk_image(scalar, np.eye(4)), str(path))
    content = path.read_bytes()
    changes = {
        ".mha": (b"ElementSpacing = 1 1 1", f"ElementSpacing = {spacing}".encode()),
        ".nrrd": (b"space directions: (-1,0,0) (0,-1,0) (0,0,1)", f"spacings: {spacing}".encode()),
    }
    assert changes[extension][0] in content
    path.write_bytes(content.replace(*changes[extension]))
    with pytest.raises(InputError, match="spacing that is not positive") as error:
        read_volume(path)
    assert_one_sentence(error, path)


def test_nrrd_without_anatomical_space_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nospace.nrrd"
    header = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 4 4\nencoding: raw\n\n"
    path.write_bytes(header.encode() + bytes(range(64)))
    with pytest.raises(InputError, match="field 'space' is missing"):
        read_volume(path)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [("1 0 0 0.3 1 0 0 0 1", "sheared"), ("1 0 0 1 0 0 0 0 1", "singular")],
)
def test_metaimage_axes_must_be_perpendicular(
    tmp_path: Path, scalar: np.ndarray, matrix: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "axes.mha"
    SimpleITK.WriteImage(itk_image(scalar, np.diag([-1, -1, 1, 1])), str(path))
    old, new = b"TransformMatrix = 1 0 0 0 1 0 0 0 1", f"TransformMatrix = {matrix}".encode()
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(InputError, match=reason) as error:
        read_volume(path)
    assert_one_sentence(error, path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("extension", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("content", ["truncated", "text", "empty", "random"])
def test_damaged_files_end_in_one_silent_sentence(
    tmp_path: Path,
    scalar: np.ndarray,
    extension: str,
    content: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"damaged{extension}"
    if extension.startswith(".nii"):
        save_nifti(path, scalar, np.eye(4))
    else:
        SimpleITK.WriteImage(itk_image(scalar, np.eye(4)), str(path), useCompression=True)
    whole = path.read_bytes()
    noise = np.random.default_rng(0).bytes(2000)
    path.write_bytes(
        {"truncated": whole[: len(whole) * 3 // 4], "text": b"hello\n" * 99, "empty": b""}.get(
            content, gzip.compress(noise) if extension == ".nii.gz" else noise
        )
    )
    with pytest.raises(InputError) as error:
        read_volume(path)
    assert_one_sentence(error, path)
    assert capfd.readouterr().err == ""


def test_header_that_claims_too_much_is_refused(tmp_path: Path, scalar: np.ndarray) -> None:
    path = save_nifti(tmp_path / "claims.nii.gz", scalar, np.eye(4))
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[42:48] = np.array([30000, 30000, 30000], np.int16).tobytes()
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(InputError) as error:
        read_volume(path)
    assert_one_sentence(error, path)


def test_missing_detached_data_is_told(tmp_path: Path, scalar: np.ndarray) -> None:
    SimpleITK.WriteImage(itk_image(scalar, np.eye(4)), str(tmp_path / "head.mhd"))
    (tmp_path / "head.raw").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(tmp_path / "head.mhd")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing.nii.gz", "does not exist"),
        ("x" * 300 + ".nii", "cannot be read|does not exist"),
        ("zero\0byte.nii", "cannot be read|does not exist"),
        ("notes.txt", "unknown kind"),
        ("no_extension", "unknown kind"),
    ],
)
def test_names_that_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    if reason == "unknown kind":
        (tmp_path / name).write_text("some text")
    with pytest.raises(InputError, match=reason):
        read_volume(str(tmp_path / name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.timeout(300)
def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii.gz")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        read_volume(tmp_path / "pipe.nii.gz")


def test_every_bad_file_of_the_reference_is_read_right_or_refused(
    reference: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = reference / "data" / "bad_input"
    paths = sorted(folder.glob("*/*.ni*"))
    assert len(paths) > 30
    for path in paths:
        reason = BAD_INPUT.get(str(path.relative_to(folder)))
        if reason:
            with pytest.raises(InputError, match=reason) as error:
                read_volume(path)
            assert_one_sentence(error, path)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FusionWarning)
            volume = read_volume(path)
        image = nibabel.load(path)
        np.testing.assert_array_equal(volume.affine.numpy(), image.affine)
        if not path.name.startswith(COLOUR_OR_NOT_FINITE):
            expected = image.get_fdata().reshape(volume.shape[1:])
            np.testing.assert_allclose(volume[0].numpy(), expected, rtol=1e-6)
    assert capfd.readouterr().err == ""


def test_grey_vector_nrrd_of_the_reference(reference: Path) -> None:
    path = reference / "data" / "bad_input" / "d_bad_dims" / "t1_vector3.nrrd"
    image = SimpleITK.ReadImage(str(path))
    stored = SimpleITK.GetArrayFromImage(image)
    np.testing.assert_array_equal(read_volume(path)[0].numpy(), stored[..., 0].T)
