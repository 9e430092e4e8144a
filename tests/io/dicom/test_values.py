"""Stored values and what they mean: slopes, bits, padding, inverse grey, encodings."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from dicom_made import Made, classic, made, same_volume
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path


def test_a_slope_for_each_slice(tmp_path: Path) -> None:
    volume = made()
    slopes = [1.0, 0.0005, 3e-8, 0.9999999975, 0.0, -2.0]

    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = slopes[index], index

    read = read_volume(classic(tmp_path / "s", volume, "CT", change=change))
    intercepts = np.arange(6).reshape(6, 1, 1)
    same_volume(read, Made(volume.values * np.reshape(slopes, (6, 1, 1)) + intercepts))


def test_an_empty_slope_is_one(tmp_path: Path) -> None:
    volume = made()
    tags = {"RescaleSlope": None, "RescaleIntercept": None}
    same_volume(read_volume(classic(tmp_path / "s", volume, **tags)), volume)


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

    same_volume(read_volume(classic(tmp_path / "a", volume, change=overlay)), volume)
    signed = Made(volume.values - 200)

    def without_sign(index: int, dataset: Any) -> None:
        dataset.PixelData = (signed.values[index] & 0xFFF).astype("<u2").tobytes()
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 1

    same_volume(read_volume(classic(tmp_path / "b", signed, change=without_sign)), signed)


@pytest.mark.parametrize("dtype", ["<u1", "<i2", "<u2", "<u4", "<i4"])
def test_every_integer_type(tmp_path: Path, dtype: str) -> None:
    volume = made(2, 7, 8)
    read = read_volume(classic(tmp_path / "s", volume, dtype=dtype))
    same_volume(read, volume)
    assert read.meta["source_dtype"] == np.dtype(dtype).name


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_compression(tmp_path: Path, syntax: str) -> None:
    volume = Made(made(3, 33, 40).values - 1500)

    def change(index: int, dataset: Any) -> None:
        dataset.compress(syntax, generate_instance_uid=False)

    pytest.importorskip("openjpeg" if syntax == JPEG2000Lossless else "pydicom")
    same_volume(read_volume(classic(tmp_path / "s", volume, change=change)), volume)


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
    same_volume(read_volume(folder), volume)


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
    same_volume(read_volume(folder), volume)
    same_volume(read_volume(folder / "IM5"), volume)


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
    same_volume(read_volume(folder), volume)


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
    same_volume(read, Made(np.where(outside, fill, volume.values + intercept)))
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
    same_volume(read, Made(expected))


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

    same_volume(read_volume(classic(tmp_path / "s", volume, modality, change=change)), volume)


@pytest.mark.parametrize(("dtype", "top"), [("<u2", 4095), ("<i2", -1)])
def test_inverse_grey_of_an_mr_is_turned_and_said(tmp_path: Path, dtype: str, top: int) -> None:
    volume = made()

    def change(index: int, dataset: Any) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"
        if dtype == "<u2":
            dataset.BitsStored, dataset.HighBit = 12, 11

    folder = classic(tmp_path / "s", volume, "MR", dtype=dtype, change=change)
    with pytest.warns(FusionWarning, match="inverted"):
        same_volume(read_volume(folder), Made(top - volume.values))


@pytest.mark.parametrize("cut", [1, 8, 40])
def test_pixels_that_end_early_are_refused_by_name(tmp_path: Path, cut: int) -> None:
    folder = classic(tmp_path / "s", made())
    path = folder / "004.dcm"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=r"004\.dcm is incomplete, its pixels end early"):
        read_volume(folder)
    with pytest.raises(InputError, match=r"004\.dcm is incomplete, its pixels end early"):
        read_volume(folder / "001.dcm")
