"""`write_volume`: what nibabel and ITK read back, and nothing half-written."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import itk
import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from monai.data import MetaTensor

from mactfusion import __version__
from mactfusion.errors import InputError
from mactfusion.io.formats import OUTPUT_EXTENSIONS
from mactfusion.io.names import check_output
from mactfusion.io.read import read_volume
from mactfusion.io.write import write_volume

SHAPE = (7, 6, 5)
VOLUME_EXTENSIONS = [".nii", ".nii.gz", ".nrrd", ".mha"]


@pytest.fixture
def fused() -> np.ndarray:
    """``(I, J, K)`` float32 in [0, 1], both ends reached."""
    values = np.random.default_rng(4).random(SHAPE, dtype=np.float32)
    values.flat[:2] = (0, 1)
    return values


def volume_of(values: np.ndarray, affine: np.ndarray) -> MetaTensor:
    """A volume as the recipe has it, from ``(I, J, K)`` or ``(I, J, K, 3)`` in [0, 1]."""
    channel_first = values[None] if values.ndim == 3 else np.moveaxis(values, -1, 0)
    return MetaTensor(
        torch.from_numpy(np.ascontiguousarray(channel_first, np.float32)),
        affine=torch.from_numpy(affine),
    )


def itk_affine(path: Path) -> np.ndarray:
    """RAS affine as ITK (and so Slicer) reads it."""
    image = SimpleITK.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return np.diag([-1, -1, 1, 1]) @ affine


def itk_values(path: Path) -> np.ndarray:
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    return array.transpose((2, 1, 0, 3)[: array.ndim])


@pytest.mark.parametrize("extension", VOLUME_EXTENSIONS)
@pytest.mark.parametrize("dtype", ["auto", "uint8", "uint16", "float32"])
def test_scalar_read_back(
    tmp_path: Path, fused: np.ndarray, affine: np.ndarray, extension: str, dtype: str
) -> None:
    path = tmp_path / f"fused{extension}"
    write_volume(volume_of(fused, affine), path, dtype=dtype)
    stored = "uint16" if dtype == "auto" else dtype
    full_scale = 1 if dtype == "float32" else np.iinfo(stored).max
    values = itk_values(path)
    assert values.dtype.name == stored
    expected = fused if dtype == "float32" else np.rint(fused * np.float32(full_scale))
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_allclose(itk_affine(path), affine, atol=2e-5)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.affine.numpy(), affine, atol=2e-5)
    np.testing.assert_array_equal(volume[0].numpy(), expected)


@pytest.mark.parametrize("extension", VOLUME_EXTENSIONS)
def test_colour_read_back(
    tmp_path: Path, colour: np.ndarray, affine: np.ndarray, extension: str
) -> None:
    path = tmp_path / f"fused{extension}"
    write_volume(volume_of(colour / 255, affine), path)
    np.testing.assert_array_equal(itk_values(path), colour)
    np.testing.assert_allclose(itk_affine(path), affine, atol=2e-5)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.numpy(), np.moveaxis(colour, -1, 0) / 255, atol=1e-6)
    np.testing.assert_allclose(volume.affine.numpy(), affine, atol=2e-5)


@pytest.mark.parametrize("extension", [".nii", ".nii.gz"])
def test_colour_nifti_is_rgb24_for_nibabel_and_itk(
    tmp_path: Path, colour: np.ndarray, affine: np.ndarray, extension: str
) -> None:
    path = tmp_path / f"fused{extension}"
    write_volume(volume_of(colour / 255, affine), path)
    image = nibabel.load(path)
    assert int(image.header["datatype"]) == 128
    assert image.shape == SHAPE
    components = np.stack([np.asarray(image.dataobj)[name] for name in "RGB"], -1)
    np.testing.assert_array_equal(components, colour)
    np.testing.assert_allclose(image.affine, affine, atol=2e-5)
    pixel_type = itk.template(itk.imread(str(path)))[1][0]
    assert pixel_type == itk.RGBPixel[itk.UC]


@pytest.mark.parametrize("extension", VOLUME_EXTENSIONS)
def test_names_with_accents(tmp_path: Path, fused: np.ndarray, extension: str) -> None:
    folder = tmp_path / "M\u00fcller \u8133"
    folder.mkdir()
    path = folder / f"f\u00fcsed{extension}"
    write_volume(volume_of(fused, np.eye(4)), path, dtype="float32")
    np.testing.assert_array_equal(read_volume(path)[0].numpy(), fused)


@pytest.mark.parametrize("extension", [".nrrd", ".mha"])
def test_deep_colour(tmp_path: Path, colour: np.ndarray, extension: str) -> None:
    path = tmp_path / f"fused{extension}"
    write_volume(volume_of(colour / 255, np.eye(4)), path, dtype="uint16")
    np.testing.assert_array_equal(itk_values(path), colour.astype(np.uint16) * 257)


@pytest.mark.parametrize("form", ["sform", "qform"])
def test_both_forms_hold_the_affine(
    tmp_path: Path, fused: np.ndarray, affine: np.ndarray, form: str
) -> None:
    write_volume(volume_of(fused, affine), tmp_path / "fused.nii")
    image: Any = nibabel.load(tmp_path / "fused.nii")
    matrix, code = (image.get_sform if form == "sform" else image.get_qform)(coded=True)
    assert code == 1
    np.testing.assert_allclose(matrix, affine, atol=2e-5)


@pytest.mark.parametrize(
    "description", ["", "fused CT and MR", "x" * 200, "M\u00fcller", "two\nlines := x"]
)
def test_header_texts(tmp_path: Path, fused: np.ndarray, description: str) -> None:
    volume = volume_of(fused, np.eye(4))
    write_volume(volume, tmp_path / "fused.nii.gz", description=description)
    stored = bytes(nibabel.load(tmp_path / "fused.nii.gz").header["descrip"]).rstrip(b"\0")
    assert len(stored) <= 79
    assert f"mactfusion {__version__}".encode() in stored
    expected = " ".join(description.split()).replace("\u00fc", "?")
    assert stored.decode().startswith(expected[:50])
    for extension in (".nrrd", ".mha"):
        path = tmp_path / f"fused{extension}"
        write_volume(volume, path, description=description)
        reader = SimpleITK.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        assert reader.GetMetaData("software") == f"mactfusion {__version__}"
        assert reader.GetMetaData("name") == "fused"
        if description:
            assert reader.GetMetaData("description") == expected


@pytest.mark.parametrize("extension", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("dtype", ["auto", "uint8", "uint16"])
@pytest.mark.parametrize("is_colour", [False, True])
def test_pictures_read_back(
    tmp_path: Path, extension: str, dtype: str, is_colour: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(5).random((11, 3, 1, 3) if is_colour else (11, 3, 1))
    path = tmp_path / f"fused{extension}"
    volume = volume_of(values, np.diag([-1.0, -1.0, 1.0, 1.0]))
    write_volume(volume, path, dtype=dtype)
    back = read_volume(path)
    stored = {"auto": "uint8" if is_colour or extension == ".png" else "uint16"}.get(dtype, dtype)
    assert back.meta["source_dtype"] == stored
    assert back.shape == volume.shape
    full_scale = np.iinfo(stored).max
    scale = 1 if is_colour else full_scale
    np.testing.assert_allclose(back.numpy() / scale, volume.numpy(), atol=0.51 / full_scale + 1e-7)
    assert capfd.readouterr().err == ""


def test_float_tiff_and_clipping(tmp_path: Path, fused: np.ndarray) -> None:
    slice_of = volume_of(fused[..., :1], np.diag([-1.0, -1.0, 1.0, 1.0]))
    write_volume(slice_of, tmp_path / "fused.tif", dtype="float32")
    np.testing.assert_array_equal(read_volume(tmp_path / "fused.tif").numpy(), slice_of.numpy())
    write_volume(volume_of(fused * 3 - 1, np.eye(4)), tmp_path / "clipped.nii", dtype="uint8")
    stored = itk_values(tmp_path / "clipped.nii")
    assert (stored.min(), stored.max()) == (0, 255)
    assert (stored == 0).sum() == (fused * 3 - 1 < 0.5 / 255).sum()


@pytest.mark.parametrize(
    ("name", "dtype", "is_colour", "reason"),
    [
        ("a.nii.gz", "uint16", True, "NIfTI holds colour as uint8 only"),
        ("a.nrrd", "float32", True, "colour is stored as uint8 or uint16"),
        ("a.nii", "int64", False, "no type to write"),
        ("a.png", "auto", False, "one slice"),
        ("a.jpg", "auto", False, "JPEG loses detail"),
        ("a.mhd", "auto", False, "must end in"),
        ("a", "auto", False, "must end in"),
        ("file/a.nii", "auto", False, "file is no folder"),
        ("folder.nii", "auto", False, "a folder has that name"),
    ],
)
def test_what_cannot_be_written(
    tmp_path: Path,
    fused: np.ndarray,
    colour: np.ndarray,
    name: str,
    dtype: str,
    is_colour: bool,
    reason: str,
) -> None:
    (tmp_path / "folder.nii").mkdir()
    (tmp_path / "file").touch()
    volume = volume_of(colour / 255 if is_colour else fused, np.eye(4))
    with pytest.raises(InputError, match=reason):
        write_volume(volume, tmp_path / name, dtype=dtype)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.nii"]


def test_not_finite_and_odd_shapes_are_refused(tmp_path: Path, fused: np.ndarray) -> None:
    fused[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        write_volume(volume_of(fused, np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(InputError, match="shape"):
        write_volume(volume_of(fused, np.eye(4))[0], tmp_path / "a.nii")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError()]
)
@pytest.mark.parametrize("extension", OUTPUT_EXTENSIONS)
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
    fused: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    extension: str,
) -> None:
    def half_written(image: Any, path: str | Path, **options: Any) -> None:
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(nibabel, "save", half_written)
    monkeypatch.setattr(SimpleITK, "WriteImage", half_written)
    path = tmp_path / f"fused{extension}"
    path.write_bytes(b"old")
    said = "the disk is full" if isinstance(error, OSError) else "its writer does not say why"
    with pytest.raises(InputError, match=f"cannot be written: {said}"):
        write_volume(volume_of(fused[..., :1], np.eye(4)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


FULL_DISK = """
import resource, signal, sys, warnings
import numpy as np, torch
from monai.data import MetaTensor
from mactfusion.errors import InputError
from mactfusion.io.write import write_volume
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
volume = MetaTensor(torch.rand(1, 200, 300, 1), affine=torch.eye(4, dtype=torch.float64))
for path in sys.argv[1:]:
    try:
        write_volume(volume, path)
        print("WRITTEN", path)
    except InputError as error:
        print("REFUSED", error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_no_room_for_the_file(tmp_path: Path) -> None:
    """A limit on file sizes lets the real writers fail halfway, as a full disk does."""
    paths = [str(tmp_path / f"fused{extension}") for extension in OUTPUT_EXTENSIONS]
    source = Path(__file__).resolve().parents[2] / "monai_bundle"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *paths],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(OUTPUT_EXTENSIONS), done.stderr
    assert all(line.startswith("REFUSED") for line in lines), lines
    assert list(tmp_path.iterdir()) == []
    assert "ERROR" not in done.stderr
    assert "TIFF" not in done.stderr


def test_check_output(tmp_path: Path) -> None:
    path = tmp_path / "fused.nii.gz"
    check_output(path, overwrite=False)
    path.write_bytes(b"old")
    check_output(path, overwrite=True)
    with pytest.raises(InputError, match="exists already"):
        check_output(path, overwrite=False)
    with pytest.raises(InputError, match="cannot be written"):
        check_output(tmp_path / f"{'x' * 300}" / "fused.nii", overwrite=True)


def test_write_protected_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InputError, match="write-protected"):
        check_output(tmp_path / "fused.nii", overwrite=False)
