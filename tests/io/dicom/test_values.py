"""Stored values and what they mean: slopes, bits, padding, inverse grey, encodings."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from dicom_made import Made, assert_same_volume, classic, made
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.dicom.study import Studies
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path


def test_a_slope_for_each_slice(tmp_path: Path) -> None:
    volume = made()
    slopes = [1.0, 0.0005, 3e-8, 0.9999999975, 0.25, -2.0]

    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = slopes[index], index

    read = read_volume(classic(tmp_path / "s", volume, "CT", change=change))
    intercepts = np.arange(6).reshape(6, 1, 1)
    assert_same_volume(read, Made(volume.values * np.reshape(slopes, (6, 1, 1)) + intercepts))


@pytest.mark.parametrize("padding", [None, 0])
def test_a_slope_of_zero_in_an_empty_slice(tmp_path: Path, padding: int | None) -> None:
    volume = made()
    volume.values[3] = 0

    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope = "0" if index == 3 else "0.25"
        if padding is not None:
            dataset.add_new("PixelPaddingValue", "SS", padding)

    with Studies() as studies:
        folder = classic(tmp_path / "s", volume, "PT", change=change)
        read = studies.read(folder, studies.series(folder), units="native")
    assert_same_volume(read, Made(volume.values * 0.25))


@pytest.mark.parametrize("zeros", [[3], range(6)])
def test_a_slope_of_zero_that_loses_values_is_refused(tmp_path: Path, zeros: Any) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope = "0" if index in zeros else "0.25"

    folder = classic(tmp_path / "s", made(), "PT", change=change)
    name = f"{zeros[0]:03d}"
    with pytest.raises(InputError, match=rf"{name}\.dcm has a slope of 0, which makes all"):
        read_volume(folder)


@pytest.mark.parametrize("dtype", ["<i2", "<u1", "<i4"])
def test_values_whose_sign_is_not_known_are_refused(tmp_path: Path, dtype: str) -> None:
    volume = made(2, 7, 8)
    if dtype == "<u1":
        volume.values += 100
    else:
        volume.values[1] -= 100

    def change(index: int, dataset: Any) -> None:
        del dataset.PixelRepresentation

    folder = classic(tmp_path / "s", volume, dtype=dtype, change=change)
    with pytest.raises(InputError, match=r"00\d\.dcm lacks PixelRepresentation"):
        read_volume(folder)


def test_values_that_are_the_same_with_and_without_a_sign(tmp_path: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        del dataset.PixelRepresentation

    assert_same_volume(read_volume(classic(tmp_path / "s", made(), change=change)), made())


def test_bits_that_nothing_accounts_for_are_said_once(tmp_path: Path) -> None:
    volume = made()
    tags = {"BitsStored": 8, "HighBit": 7}
    folder = classic(tmp_path / "s", volume, "MR", dtype="<u2", **tags)
    sentence = r"bits beyond the 8 that its header tells of \(BitsStored\) are set"
    with pytest.warns(FusionWarning) as said:
        assert_same_volume(read_volume(folder), Made(volume.values % 256))
    assert [bool(re.search(sentence, str(each.message))) for each in said] == [True]


@pytest.mark.parametrize("below", [0, 5])
def test_the_highest_bits_of_sixteen(tmp_path: Path, below: int) -> None:
    volume = made()
    volume.values += 3000

    def change(index: int, dataset: Any) -> None:
        dataset.PixelData = (volume.values[index] << 4 | below).astype("<u2").tobytes()
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 15, 0

    folder = classic(tmp_path / "s", volume, "MR", change=change)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", FusionWarning)
        assert_same_volume(read_volume(folder), volume)
    assert ["bits beyond the 12" in str(each.message) for each in said] == [True] * bool(below)


@pytest.mark.parametrize("kind", ["overlay", "sign", "no sign"])
@pytest.mark.filterwarnings("error::mactfusion.errors.FusionWarning")
def test_bits_of_an_overlay_or_a_sign_are_nothing_to_say(tmp_path: Path, kind: str) -> None:
    volume = Made(made().values - (0 if kind == "overlay" else 200))

    def change(index: int, dataset: Any) -> None:
        stored = volume.values[index].copy()
        if kind == "overlay":
            stored |= 0x8000 * (stored % 2)
            dataset.add_new(0x60000100, "US", 16)
            dataset.add_new(0x60000102, "US", 15)
        elif kind == "no sign":
            stored &= 0xFFF
        dataset.PixelData = (stored & 0xFFFF).astype("<u2").tobytes()
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelRepresentation = int(kind != "overlay")

    assert_same_volume(read_volume(classic(tmp_path / "s", volume, "MR", change=change)), volume)


def test_padding_beyond_the_bits_that_are_stored(tmp_path: Path) -> None:
    """-2000 in 16 bits without a sign, of which 12 are stored."""
    volume = made()

    def change(index: int, dataset: Any) -> None:
        stored = volume.values[index].copy()
        stored[0] = 2**16 - 2000
        dataset.PixelData = stored.astype("<u2").tobytes()
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
        dataset.add_new("PixelPaddingValue", "US", 2**16 - 2000)

    expected = volume.values.copy()
    expected[:, 0] = volume.values[:, 1:].min()
    with warnings.catch_warnings():
        warnings.simplefilter("error", FusionWarning)
        read = read_volume(classic(tmp_path / "s", volume, "MR", change=change))
    assert_same_volume(read, Made(expected))


@pytest.mark.parametrize(
    ("kind", "value"),
    [("SS", [1, 2]), ("LO", "abc"), ("SL", 70000), ("DS", "1e9"), ("FD", float("nan"))],
)
@pytest.mark.parametrize("tag", ["PixelPaddingValue", "PixelPaddingRangeLimit"])
def test_a_padding_that_no_pixel_can_have_is_passed_over(
    tmp_path: Path, tag: str, kind: str, value: Any
) -> None:
    volume = made()

    def change(index: int, dataset: Any) -> None:
        if tag == "PixelPaddingRangeLimit":
            dataset.add_new("PixelPaddingValue", "SS", -2000)
        dataset.add_new(tag, kind, value)

    folder = classic(tmp_path / "s", volume, "MR", change=change)
    with pytest.warns(FusionWarning, match=f"{tag} is no value that its pixels can have"):
        assert_same_volume(read_volume(folder), volume)


def test_an_empty_padding_is_none(tmp_path: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.add_new("PixelPaddingValue", "SS", None)

    assert_same_volume(read_volume(classic(tmp_path / "s", made(), "MR", change=change)), made())


def test_an_empty_slope_is_one(tmp_path: Path) -> None:
    volume = made()
    tags = {"RescaleSlope": None, "RescaleIntercept": None}
    assert_same_volume(read_volume(classic(tmp_path / "s", volume, **tags)), volume)


@pytest.mark.parametrize(
    ("modality", "tags", "units"),
    [
        ("CT", {"RescaleType": "HU"}, "HU"),
        ("CT", {}, "HU"),
        ("CT", {"RescaleSlope": None, "RescaleIntercept": None}, ""),
        ("CT", {"RescaleType": "US"}, ""),
        ("CT", {"RescaleType": "MGML"}, "MGML"),
        ("MR", {}, ""),
        ("MR", {"RescaleType": "ms"}, "ms"),
    ],
)
def test_units_are_those_of_the_header(
    tmp_path: Path, modality: str, tags: dict[str, Any], units: str
) -> None:
    assert read_volume(classic(tmp_path / "s", made(), modality, **tags)).meta["units"] == units


def test_bits_beyond_those_stored_count_nothing(tmp_path: Path) -> None:
    volume = made()

    def overlay(index: int, dataset: Any) -> None:
        stored = volume.values[index].astype("<u2") | 0x8000 * (volume.values[index] % 2)
        dataset.PixelData = stored.astype("<u2").tobytes()
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0

    with pytest.warns(FusionWarning, match="bits beyond the 12"):
        assert_same_volume(read_volume(classic(tmp_path / "a", volume, change=overlay)), volume)
    signed = Made(volume.values - 200)

    def without_sign(index: int, dataset: Any) -> None:
        dataset.PixelData = (signed.values[index] & 0xFFF).astype("<u2").tobytes()
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 1

    assert_same_volume(read_volume(classic(tmp_path / "b", signed, change=without_sign)), signed)


@pytest.mark.parametrize("dtype", ["<u1", "<i2", "<u2", "<u4", "<i4"])
def test_every_integer_type(tmp_path: Path, dtype: str) -> None:
    volume = made(2, 7, 8)
    read = read_volume(classic(tmp_path / "s", volume, dtype=dtype))
    assert_same_volume(read, volume)
    assert read.meta["source_dtype"] == np.dtype(dtype).name


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_compression(tmp_path: Path, syntax: str) -> None:
    volume = Made(made(3, 33, 40).values - 1500)

    def change(index: int, dataset: Any) -> None:
        dataset.compress(syntax, generate_instance_uid=False)

    pytest.importorskip("openjpeg" if syntax == JPEG2000Lossless else "pydicom")
    assert_same_volume(read_volume(classic(tmp_path / "s", volume, change=change)), volume)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_byte_order_and_deflation(tmp_path: Path, syntax: str) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
        is_big = syntax == ExplicitVRBigEndian
        # the old way of saving lets the encoding be named
        buffer = io.BytesIO()
        pydicom.dcmwrite(
            buffer, dataset, implicit_vr=False, little_endian=not is_big, force_encoding=True
        )
        path.write_bytes(buffer.getvalue())
    assert_same_volume(read_volume(folder), volume)


@pytest.mark.parametrize("is_all", [True, False])
def test_files_without_preamble_and_transfer_syntax(tmp_path: Path, is_all: bool) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume, name="IM{}")
    for number, path in enumerate(sorted(folder.iterdir())):
        if is_all or number > 3:
            dataset = pydicom.dcmread(path)
            dataset.file_meta, dataset.preamble = FileMetaDataset(), None
            pydicom.dcmwrite(
                path, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False
            )
            assert path.read_bytes()[:2] == b"\x08\x00"
    assert_same_volume(read_volume(folder), volume)
    assert_same_volume(read_volume(folder / "IM5"), volume)


def test_implicit_data_under_an_explicit_syntax(tmp_path: Path) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume)
    for path in folder.iterdir():
        whole = path.read_bytes()
        start = 128 + 4 + 12 + int.from_bytes(whole[140:144], "little")
        dataset = pydicom.dcmread(path)
        dataset.file_meta, dataset.preamble = FileMetaDataset(), None
        body = io.BytesIO()
        pydicom.dcmwrite(
            body, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False
        )
        path.write_bytes(whole[:start] + body.getvalue())
    assert_same_volume(read_volume(folder), volume)


@pytest.mark.parametrize(
    ("modality", "padding", "intercept", "fill"),
    [("MR", -32768, 0, 1.0), ("CT", -2000, -1024, -1023.0), ("MR", 0, 0, 0.0)],
)
def test_padding_is_no_measurement(
    tmp_path: Path, modality: str, padding: int, intercept: int, fill: float
) -> None:
    """Far from what was measured it becomes the lowest measured value; near it stays."""
    volume = made(6, 9, 8)
    outside = np.zeros(volume.values.shape, bool)
    outside[:, :2] = True
    lowest = volume.values[~outside].min()
    volume.values[~outside] -= lowest - 1
    stored = Made(np.where(outside, padding, volume.values))

    def change(index: int, dataset: Any) -> None:
        dataset.add_new("PixelPaddingValue", "SS", padding)
        if modality == "CT":
            dataset.RescaleIntercept = intercept

    read = read_volume(classic(tmp_path / "s", stored, modality, change=change))
    assert_same_volume(read, Made(np.where(outside, fill, volume.values + intercept)))
    assert float(read.meta["padding"]) == fill


def test_padding_written_without_a_sign_and_as_a_range(tmp_path: Path) -> None:
    volume = made()
    stored = Made(volume.values.copy())
    stored.values[:, 0], stored.values[:, 1] = -2000, -1990

    def change(index: int, dataset: Any) -> None:
        dataset.add_new("PixelPaddingValue", "US", 2**16 - 2000)
        dataset.add_new("PixelPaddingRangeLimit", "US", 2**16 - 1980)

    read = read_volume(classic(tmp_path / "s", stored, "MR", change=change))
    lowest = volume.values[:, 2:].min()
    expected = volume.values.copy()
    expected[:, :2] = lowest
    assert_same_volume(read, Made(expected))


def test_padding_alone_is_no_volume(tmp_path: Path) -> None:
    folder = classic(tmp_path / "s", Made(np.full((3, 4, 5), 7)), "MR", PixelPaddingValue=7)
    with pytest.raises(InputError, match="padding alone"):
        read_volume(folder)


@pytest.mark.parametrize("modality", ["PT", "NM", "CT"])
def test_inverse_grey_of_a_quantity_is_how_it_is_shown(tmp_path: Path, modality: str) -> None:
    volume = made()

    def change(index: int, dataset: Any) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.Units = "CNTS"
        if modality == "NM":
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO"]

    assert_same_volume(
        read_volume(classic(tmp_path / "s", volume, modality, change=change)), volume
    )


@pytest.mark.parametrize(("dtype", "top"), [("<u2", 4095), ("<i2", -1)])
def test_inverse_grey_of_an_mr_is_turned_and_said(tmp_path: Path, dtype: str, top: int) -> None:
    volume = made()

    def change(index: int, dataset: Any) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"
        if dtype == "<u2":
            dataset.BitsStored, dataset.HighBit = 12, 11

    folder = classic(tmp_path / "s", volume, "MR", dtype=dtype, change=change)
    with pytest.warns(FusionWarning, match="inverted"):
        assert_same_volume(read_volume(folder), Made(top - volume.values))


def test_inverse_grey_of_some_slices_alone_is_refused(tmp_path: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        if index == 3:
            dataset.PhotometricInterpretation = "MONOCHROME1"

    folder = classic(tmp_path / "s", made(), "MR", change=change)
    with pytest.raises(InputError, match=r"smallest value is white \(MONOCHROME1\) among others"):
        read_volume(folder)


@pytest.mark.parametrize("cut", [1, 8, 40])
def test_pixels_that_end_early_are_refused_by_name(tmp_path: Path, cut: int) -> None:
    folder = classic(tmp_path / "s", made())
    path = folder / "004.dcm"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=r"004\.dcm is incomplete, its pixels end early"):
        read_volume(folder)
    with pytest.raises(InputError, match=r"004\.dcm is incomplete, its pixels end early"):
        read_volume(folder / "001.dcm")
