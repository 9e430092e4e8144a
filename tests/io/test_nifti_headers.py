"""Headers of NIfTI and MGH: any value of a field is read right, said, or refused."""

from __future__ import annotations

import gzip
import struct
import warnings
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pytest
import SimpleITK

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.checksum import sha256_of
from mactfusion.io.coerce import as_volume
from mactfusion.io.folder import files_by_stem
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

AFFINE = np.array([[2.0, 0, 0, -10], [0, 3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]])
VOXELS = (np.arange(5 * 6 * 7).reshape(5, 6, 7) % 101).astype(np.int16)


def write(path: Path, kind: Any = nibabel.Nifti1Image, **fields: Any) -> Path:
    """A NIfTI of `VOXELS` at `AFFINE`, some of its header's fields with other values."""
    image = kind(VOXELS, AFFINE)
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE, 1)
    content = bytearray(image.to_bytes())
    header = image.header.copy()
    first = header.single_vox_offset
    header["vox_offset"], header["magic"] = first, header.single_magic
    header["scl_slope"], header["scl_inter"] = np.nan, np.nan
    for name, value in fields.items():
        if name == "qfac":
            header["pixdim"][0] = value
        else:
            header[name] = value
    block = header.binaryblock
    content[: len(block)] = block
    whole = bytes(content)
    path.write_bytes(gzip.compress(whole) if path.suffix == ".gz" else whole)
    return path


def said_of(path: Path) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        volume = read_volume(path)
    return volume, [str(each.message) for each in said]


def same(volume: Any, factor: float = 1) -> bool:
    return np.array_equal(volume[0].numpy(), VOXELS) and np.allclose(
        volume.affine.numpy(), np.diag([factor] * 3 + [1]) @ AFFINE, rtol=1e-6
    )


@pytest.mark.parametrize("byte", range(256))
def test_every_unit_byte(tmp_path: Path, byte: int) -> None:
    volume, said = said_of(write(tmp_path / "a.nii", xyzt_units=byte))
    assert same(volume, {1: 1e3, 3: 1e-3}.get(byte & 7, 1))
    assert bool(said) == ((byte & 7) > 3)


@pytest.mark.parametrize("offset", [0, 16, 351, -352, 352.5, np.nan, np.inf, 1e30])
def test_voxels_that_begin_in_the_header_or_nowhere(tmp_path: Path, offset: float) -> None:
    with pytest.raises(InputError, match="vox_offset"):
        read_volume(write(tmp_path / "a.nii", vox_offset=offset))


def test_an_image_in_memory_whose_voxels_begin_in_the_header(tmp_path: Path) -> None:
    image = nibabel.load(write(tmp_path / "a.nii", vox_offset=0))
    with pytest.raises(InputError, match="vox_offset"):
        as_volume(image)


def test_an_image_of_simpleitk_without_forms(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii", sform_code=0, qform_code=0)
    with pytest.raises(InputError, match="neither sform nor qform"):
        as_volume(SimpleITK.ReadImage(str(path)))
    assert same(as_volume(SimpleITK.ReadImage(str(write(tmp_path / "b.nii")))))


@pytest.mark.parametrize("extension", [".nii", ".nii.gz"])
def test_voxels_that_begin_beyond_the_file(tmp_path: Path, extension: str) -> None:
    with pytest.raises(InputError, match=r"incomplete|cannot be read"):
        read_volume(write(tmp_path / f"a{extension}", vox_offset=4000))


@pytest.mark.parametrize(("sform", "qform"), [(7, 1), (-1, 1), (1, 99), (0, 1), (5, 0)])
def test_form_codes(tmp_path: Path, sform: int, qform: int) -> None:
    volume, said = said_of(write(tmp_path / "a.nii", sform_code=sform, qform_code=qform))
    assert same(volume)
    unknown = [code for code in (sform, qform) if code not in range(6)]
    assert [str(code) in sentence for code, sentence in zip(unknown, said, strict=True)] == [
        True for _ in unknown
    ]


def test_form_codes_that_are_both_unknown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii", sform_code=7, qform_code=-3)
    with pytest.warns(FusionWarning, match="code"), pytest.raises(InputError, match="neither"):
        read_volume(path)


@pytest.mark.parametrize("slope", [(np.nan, np.nan), (0, 7), (1, 0), (np.nan, 3)])
def test_slopes_that_mean_none(tmp_path: Path, slope: tuple[float, float]) -> None:
    path = write(tmp_path / "a.nii", scl_slope=slope[0], scl_inter=slope[1])
    assert same(said_of(path)[0])


@pytest.mark.parametrize("slope", [(1, np.nan), (np.inf, 0), (2, np.inf)])
def test_slopes_that_cannot_be(tmp_path: Path, slope: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="scl_slope"):
        read_volume(write(tmp_path / "a.nii", scl_slope=slope[0], scl_inter=slope[1]))


def test_the_hand_of_a_qform(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mirrored"):
        read_volume(write(tmp_path / "a.nii", sform_code=0, qfac=7))
    assert same(said_of(write(tmp_path / "b.nii", qfac=7))[0])


@pytest.mark.parametrize("magic", [b"ni1", b"n+3", b"", b"n+2"])
def test_another_magic(tmp_path: Path, magic: bytes) -> None:
    with pytest.raises(InputError, match=r"cannot be read|Analyze"):
        read_volume(write(tmp_path / "a.nii", magic=magic))


def test_nifti_2_and_either_byte_order(tmp_path: Path) -> None:
    assert same(said_of(write(tmp_path / "a.nii.gz", nibabel.Nifti2Image))[0])
    swapped = nibabel.Nifti1Image(VOXELS, AFFINE).header.as_byteswapped(">")
    nibabel.save(nibabel.Nifti1Image(VOXELS.astype(">i2"), AFFINE, swapped), tmp_path / "b.nii")
    assert (tmp_path / "b.nii").read_bytes()[:4] == b"\0\0\1\x5c"
    assert same(said_of(tmp_path / "b.nii")[0])


def test_what_follows_the_voxels_is_said(tmp_path: Path) -> None:
    for name in ("a.nii", "a.nii.gz"):
        path = write(tmp_path / name, dim=[3, 5, 6, 5, 1, 1, 1, 1])
        assert "bytes follow the voxels" in said_of(path)[1][-1]


@pytest.mark.parametrize("damage", ["not gzipped", "cut", "one byte", "checksum"])
def test_a_compressed_file_is_checked_to_its_end(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "a.nii.gz")
    content = bytearray(path.read_bytes())
    if damage == "not gzipped":
        content = bytearray(gzip.decompress(content))
    elif damage == "cut":
        del content[-6:]
    else:
        content[{"one byte": len(content) // 2, "checksum": -8}[damage]] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(path)


def test_many_parts_of_gzip(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.nii").read_bytes()
    parts = [gzip.compress(whole[start : start + 100]) for start in range(0, len(whole), 100)]
    (tmp_path / "b.nii.gz").write_bytes(b"".join(parts))
    assert same(said_of(tmp_path / "b.nii.gz")[0])


@pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
@pytest.mark.parametrize("given", [".hdr", ".img"])
def test_a_pair_is_read_by_either_name(tmp_path: Path, kind: Any, given: str) -> None:
    nibabel.save(kind(VOXELS, AFFINE), tmp_path / "a.img")
    assert same(said_of(tmp_path / f"a{given}")[0])
    assert files_by_stem(tmp_path) == {"a": tmp_path / "a.hdr"}
    before = sha256_of(tmp_path / "a.hdr")
    with (tmp_path / "a.img").open("r+b") as file:
        file.write(b"xx")
    assert sha256_of(tmp_path / "a.hdr") != before


def test_half_a_pair_and_analyze(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Pair(VOXELS, AFFINE), tmp_path / "a.img")
    (tmp_path / "a.hdr").unlink()
    with pytest.raises(InputError, match=r"a\.hdr, which belongs to it, is missing"):
        read_volume(tmp_path / "a.img")
    nibabel.save(nibabel.AnalyzeImage(VOXELS, AFFINE), tmp_path / "b.img")
    with pytest.raises(InputError, match=r"Analyze .* left and right"):
        read_volume(tmp_path / "b.hdr")


@pytest.mark.parametrize(
    "name", ["A.NII", "A.NII.GZ", "a.Nii.gZ", "A.HDR", "A.MGZ", "A.MGH", "A.NRRD", "A.MHA"]
)
def test_any_letter_case(tmp_path: Path, name: str) -> None:
    if name.lower().endswith((".nrrd", ".mha")):
        image = SimpleITK.GetImageFromArray(VOXELS.T)
        SimpleITK.WriteImage(image, str(tmp_path / name.lower()))
        (tmp_path / name.lower()).rename(tmp_path / name)
        np.testing.assert_array_equal(read_volume(tmp_path / name)[0].numpy(), VOXELS)
        return
    if name == "A.HDR":
        nibabel.save(nibabel.Nifti1Pair(VOXELS, AFFINE), tmp_path / "a.img")
        (tmp_path / "a.img").rename(tmp_path / "A.IMG")
        (tmp_path / "a.hdr").rename(tmp_path / "A.HDR")
    elif "MG" in name:
        nibabel.save(nibabel.MGHImage(VOXELS, AFFINE), tmp_path / name.lower())
        (tmp_path / name.lower()).rename(tmp_path / name)
    else:
        write(tmp_path / "x.nii.gz" if name.lower().endswith("gz") else tmp_path / "x.nii")
        next(tmp_path.iterdir()).rename(tmp_path / name)
    assert same(said_of(tmp_path / name)[0])


@pytest.mark.parametrize("extension", [".mgh", ".mgz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_mgh(tmp_path: Path, extension: str, dtype: type) -> None:
    path = tmp_path / f"a{extension}"
    nibabel.save(nibabel.MGHImage(VOXELS.astype(dtype), AFFINE), path)
    assert same(said_of(path)[0])


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (28, struct.pack(">h", 0), "goodRASFlag"),
        (0, struct.pack(">i", 2), "version 1"),
        (16, struct.pack(">i", 3), "3 frames"),
        (4, struct.pack(">i", 30000), "cannot be read"),
        (4, struct.pack(">i", -5), r"no voxels|cannot be read"),
    ],
)
@pytest.mark.parametrize("extension", [".mgh", ".mgz"])
def test_headers_of_mgh(
    tmp_path: Path, extension: str, place: int, value: bytes, reason: str
) -> None:
    content = bytearray(nibabel.MGHImage(VOXELS, AFFINE).to_bytes())
    content[place : place + len(value)] = value
    path = tmp_path / f"a{extension}"
    path.write_bytes(gzip.compress(content) if extension == ".mgz" else content)
    with pytest.raises(InputError, match=reason):
        read_volume(path)


def test_a_compressed_mgh_is_checked_to_its_end(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(nibabel.MGHImage(VOXELS, AFFINE).to_bytes()))
    content[-8] ^= 0x55
    (tmp_path / "a.mgz").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_volume(tmp_path / "a.mgz")
