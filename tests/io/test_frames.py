"""Several frames in a file or an object: one by its number, their mean, or one sentence."""

from __future__ import annotations

import gzip
import struct
import warnings
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pytest
import SimpleITK

from mactfusion import fuse_volumes
from mactfusion.cli import app
from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.coerce import as_volume
from mactfusion.io.frames import NO_DURATIONS
from mactfusion.io.read import read_volume
from tests.io.file_kinds import meta, nrrd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 3
VALUES = np.random.default_rng(0).integers(-500, 500, (5, 6, 7, COUNT)).astype(np.int16)
AFFINE = np.array([[0, -2, 0, 8.0], [3, 0, 0, -6], [0, 0, 4, 5], [0, 0, 0, 1]])
LPS_AFFINE = np.diag([-2.0, -3.0, 4.0, 1.0])
LPS_AFFINE[:3, 3] = -10, -20, 30
NRRD_AXES = "(2,0,0) (0,3,0) (0,0,4)"


def nifti(path: Path, values: np.ndarray = VALUES, intent: int = 0) -> Path:
    image = nibabel.Nifti1Image(values, AFFINE)
    image.header["intent_code"] = intent
    nibabel.save(image, path)
    return path


def scaled_nifti(path: Path) -> Path:
    image = nibabel.Nifti1Image(VALUES, AFFINE)
    image.header.set_slope_inter(1, 0)
    content = bytearray(image.to_bytes())
    content[112:120] = struct.pack("<2f", 0.5, -100)
    path.write_bytes(content)
    return path


def pair(path: Path) -> Path:
    nibabel.save(nibabel.Nifti1Pair(VALUES, AFFINE), path)
    return path


def big_endian(path: Path) -> Path:
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nibabel.save(nibabel.Nifti1Image(VALUES, AFFINE, header), path)
    return path


def mgh(path: Path) -> Path:
    nibabel.save(nibabel.MGHImage(VALUES.astype(np.int32), AFFINE), path)
    return path


def metaimage(path: Path) -> Path:
    return meta(
        path,
        VALUES.tobytes("F"),
        NDims="4",
        BinaryDataByteOrderMSB="False",
        DimSize=f"5 6 7 {COUNT}",
        ElementSpacing="2 3 4 60",
        Offset="10 20 30 0",
        TransformMatrix="1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1",
    )


def frames_last(path: Path, kind: str = "list") -> Path:
    return nrrd(
        path,
        VALUES.tobytes("F"),
        dimension="4",
        sizes=f"5 6 7 {COUNT}",
        kinds=f"domain domain domain {kind}",
        **{"space directions": f"{NRRD_AXES} none"},
    )


def frames_first(path: Path) -> Path:
    return nrrd(
        path,
        np.moveaxis(VALUES, -1, 0).tobytes("F"),
        dimension="4",
        sizes=f"{COUNT} 5 6 7",
        kinds="list domain domain domain",
        **{"space directions": f"none {NRRD_AXES}"},
    )


def in_memory(_: Path) -> Any:
    return nibabel.Nifti1Image(VALUES, AFFINE)


def of_itk(_: Path) -> Any:
    parts = []
    for number in range(COUNT):
        parts.append(SimpleITK.GetImageFromArray(VALUES[..., number].T.copy()))
        parts[-1].SetSpacing((2, 3, 4))
        parts[-1].SetOrigin((10, 20, 30))
    return SimpleITK.JoinSeries(parts)


KINDS: dict[str, tuple[Callable[[Path], Any], str, np.ndarray]] = {
    "NIfTI": (nifti, "a.nii", AFFINE),
    "compressed NIfTI": (nifti, "a.nii.gz", AFFINE),
    "NIfTI pair": (pair, "a.hdr", AFFINE),
    "big-endian NIfTI": (big_endian, "a.nii", AFFINE),
    "MGH": (mgh, "a.mgh", AFFINE),
    "compressed MGH": (mgh, "a.mgz", AFFINE),
    "MetaImage": (metaimage, "a.mha", LPS_AFFINE),
    "NRRD": (frames_last, "a.nrrd", LPS_AFFINE),
    "NRRD with frames first": (frames_first, "a.nrrd", LPS_AFFINE),
    "nibabel": (in_memory, "", AFFINE),
    "SimpleITK": (of_itk, "", LPS_AFFINE),
}


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, np.ndarray]:
    write, name, affine = KINDS[request.param]
    return write(tmp_path / name), affine


@pytest.mark.parametrize("number", [1, 2, COUNT])
def test_one_frame_at_its_place(case: tuple[Any, np.ndarray], number: int) -> None:
    source, affine = case
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        volume = as_volume(source, frame=str(number))
    np.testing.assert_array_equal(volume[0].numpy(), VALUES[..., number - 1])
    np.testing.assert_allclose(volume.affine.numpy(), affine, atol=1e-6)
    assert volume.meta["frames"] == COUNT


def test_the_mean_counts_each_frame_the_same_and_says_so(case: tuple[Any, np.ndarray]) -> None:
    source, affine = case
    with pytest.warns(FusionWarning) as said:
        volume = as_volume(source, frame="mean")
    np.testing.assert_allclose(volume[0].numpy(), VALUES.mean(axis=-1), rtol=1e-6)
    np.testing.assert_allclose(volume.affine.numpy(), affine, atol=1e-6)
    (sentence,) = [str(each.message) for each in said]
    assert sentence == f"{volume.meta['filename_or_obj']}: {NO_DURATIONS}"


def test_nothing_chosen_or_a_frame_that_is_not_there(case: tuple[Any, np.ndarray]) -> None:
    source, _ = case
    with pytest.raises(InputError, match=r"holds 3 frames .*--frame 1 to 3.*--frame mean"):
        as_volume(source)
    with pytest.raises(InputError, match="--anatomical-frame 1 to 3"):
        as_volume(source, role="anatomical")
    with pytest.raises(InputError, match="holds 3 frames; --frame 4 is none of them"):
        as_volume(source, frame="4")


@pytest.mark.parametrize("frame", ["abc", "0", "-1", "1.5", "", True])
def test_what_names_no_frame_is_refused_as_such(tmp_path: Path, frame: Any) -> None:
    path = nifti(tmp_path / "a.nii", VALUES)
    for source in (path, (VALUES, AFFINE)):
        with pytest.raises(InputError, match=f"^Unknown frame '{frame}': give its number from 1"):
            as_volume(source, frame=frame)
    np.testing.assert_array_equal(read_volume(path, frame=2)[0].numpy(), VALUES[..., 1])


@pytest.mark.parametrize("frame", ["1", "mean"])
def test_what_has_one_frame_takes_it(tmp_path: Path, frame: str) -> None:
    path = nifti(tmp_path / "a.nii", VALUES[..., 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        volume = read_volume(path, frame=frame)
        from_array = as_volume((VALUES[..., 1], AFFINE), frame=frame)
    np.testing.assert_array_equal(volume[0].numpy(), VALUES[..., 1])
    np.testing.assert_array_equal(from_array[0].numpy(), VALUES[..., 1])


def test_what_has_one_frame_has_no_second(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.arange(99, dtype=np.uint8)[None]), picture)
    sources = [nifti(tmp_path / "a.nii", VALUES[..., 1]), picture, (VALUES[..., 1], AFFINE)]
    for source in sources:
        with pytest.raises(InputError, match="holds one frame, not 2"):
            as_volume(source, frame="2")


def test_slope_and_intercept_hold_for_each_frame(tmp_path: Path) -> None:
    volume = read_volume(scaled_nifti(tmp_path / "a.nii"), frame="3")
    np.testing.assert_allclose(volume[0].numpy(), VALUES[..., 2] * 0.5 - 100)


@pytest.mark.parametrize("extension", [".nii", ".nii.gz", ".mgh", ".mgz"])
def test_a_file_that_lacks_another_frame_is_refused(tmp_path: Path, extension: str) -> None:
    write = mgh if "mg" in extension else nifti
    path = write(tmp_path / f"a{extension}")
    content = path.read_bytes()
    is_compressed = extension.endswith("z")
    content = (gzip.decompress(content) if is_compressed else content)[:-100]
    path.write_bytes(gzip.compress(content) if is_compressed else content)
    with pytest.raises(InputError, match="incomplete"):
        read_volume(path, frame="1")


def test_a_damaged_end_is_found_behind_the_frame(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii.gz")
    content = bytearray(path.read_bytes())
    content[-8] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_volume(path, frame="1")


def test_only_the_chosen_frame_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nibabel import arrayproxy

    shapes = []
    original = arrayproxy.array_from_file

    def reading(shape: tuple[int, ...], *rest: Any, **named: Any) -> Any:
        shapes.append(tuple(shape))
        return original(shape, *rest, **named)

    monkeypatch.setattr(arrayproxy, "array_from_file", reading)
    read_volume(nifti(tmp_path / "a.nii.gz"), frame="2")
    assert shapes == [(5, 6, 7)]


@pytest.mark.parametrize("intent", [1005, 1006, 1007, 2003, 2006])
def test_vectors_of_nifti_are_no_frames(tmp_path: Path, intent: int) -> None:
    with pytest.raises(InputError, match=f"3 numbers a voxel .*{intent}.* no frames"):
        read_volume(nifti(tmp_path / "a.nii", intent=intent), frame="1")


def test_statistics_of_nifti_are_frames(tmp_path: Path) -> None:
    volume = read_volume(nifti(tmp_path / "a.nii", intent=3), frame="2")
    np.testing.assert_array_equal(volume[0].numpy(), VALUES[..., 1])


@pytest.mark.parametrize("kind", ["3d-matrix", "covariant-vector", "hsv-color", "2-vector"])
def test_numbers_of_nrrd_that_are_no_frames(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=f"3 numbers a voxel .*{kind}.* no frames"):
        read_volume(frames_last(tmp_path / "a.nrrd", kind), frame="1")


def test_a_vector_of_nrrd_is_no_frames(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="vectors of 3 int16 numbers"):
        read_volume(frames_last(tmp_path / "a.nrrd", "vector"), frame="1")


@pytest.mark.parametrize("kind", ["time", "none", "???", "domain"])
def test_frames_of_nrrd_that_itk_does_not_know(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=r"save it again with the kind 'list'"):
        read_volume(frames_last(tmp_path / "a.nrrd", kind), frame="1")


def test_frames_in_colour(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (5, 6, 7, 2, 3)).astype(np.uint8)
    records = np.ascontiguousarray(colours).view([(each, "u1") for each in "RGB"])[..., 0]
    nibabel.save(nibabel.Nifti1Image(records, AFFINE), tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii", frame="2")
    expected = np.moveaxis(colours[:, :, :, 1], -1, 0) / np.float32(255)
    np.testing.assert_allclose(volume.numpy(), expected)
    with pytest.raises(InputError, match="no mean is taken; choose one with --frame"):
        read_volume(tmp_path / "a.nii", frame="mean")


def test_a_constant_frame_is_named_as_one(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[..., 0] = 7
    with pytest.raises(InputError, match=r"the one that was read of its 3 frames is constant \(7"):
        read_volume(nifti(tmp_path / "a.nii", values), frame="1")


def test_frames_are_fused_and_recorded(tmp_path: Path) -> None:
    moving, still = nifti(tmp_path / "pet.nii"), nifti(tmp_path / "mr.nii", VALUES[..., 0])
    chosen = fuse_volumes(still, moving, frame="2", task="pet-mri", keep_native=True)
    np.testing.assert_allclose(chosen.native[1][0].numpy(), VALUES[..., 1], atol=1e-3)
    assert chosen.record["options"]["frame"] == "2"
    mean = fuse_volumes(still, moving, frame="mean", task="pet-mri", keep_native=True)
    np.testing.assert_allclose(mean.native[1][0].numpy(), VALUES.mean(axis=-1), atol=1e-3)
    assert f"pet.nii: {NO_DURATIONS}" in "\n".join(mean.warnings)
    other = fuse_volumes(moving, still, anatomical_frame="3", task="pet-mri", keep_native=True)
    np.testing.assert_allclose(other.native[0][0].numpy(), VALUES[..., 2], atol=1e-3)
    with pytest.raises(InputError, match="option anatomical_frame 1 to 3"):
        fuse_volumes(moving, still, frame="3", task="pet-mri")


def test_info_counts_the_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app(["info", str(nifti(tmp_path / "a.nii"))], standalone_mode=False)
    words = " ".join(capsys.readouterr().out.split())
    assert "frames 3, of which this is the first" in words
    assert f"range {VALUES[..., 0].min()} to {VALUES[..., 0].max()}" in words
    app(["info", str(nifti(tmp_path / "b.nii", VALUES[..., 0]))], standalone_mode=False)
    assert "frames" not in capsys.readouterr().out
