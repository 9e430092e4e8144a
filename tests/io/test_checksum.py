"""`sha256_of`: every byte that is read counts, and no other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pydicom
import pytest
import SimpleITK

from mactfusion.io.checksum import sha256_of
from mactfusion.io.load import LoadVolumesd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np


def plain_sha256(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


@pytest.mark.parametrize("name", ["model.pt", "head.nii.gz", "head.mha", "head.nrrd"])
def test_one_file(tmp_path: Path, scalar: np.ndarray, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".pt"):
        path.write_bytes(b"ElementDataFile = other.raw\n")
    else:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(scalar), str(path))
    (tmp_path / "other.raw").write_bytes(b"other")
    assert sha256_of(str(path)) == plain_sha256(path)


@pytest.mark.parametrize("is_compressed", [True, False])
@pytest.mark.parametrize("extension", [".mhd", ".nhdr"])
def test_detached_data_counts(
    tmp_path: Path, scalar: np.ndarray, extension: str, is_compressed: bool
) -> None:
    header = tmp_path / f"head{extension}"
    image = SimpleITK.GetImageFromArray(scalar)
    SimpleITK.WriteImage(image, str(header), useCompression=is_compressed)
    (data,) = set(tmp_path.iterdir()) - {header}
    (tmp_path / "unrelated.raw").write_bytes(b"unrelated")
    before = sha256_of(header)
    assert before == plain_sha256(header, data)
    data.write_bytes(data.read_bytes()[::-1])
    assert sha256_of(header) != before


@pytest.mark.parametrize(
    ("name", "text", "counted"),
    [
        ("a.mhd", "NDims = 3\nElementDataFile = LIST\n2.raw\n1.raw\n", ["2.raw", "1.raw"]),
        ("a.nhdr", "NRRD0005\ndata file: LIST\n1.raw\n2.raw\n", ["1.raw", "2.raw"]),
        ("a.nhdr", "NRRD0005\r\ndatafile: ./1.raw\r\nencoding: raw\r\n", ["1.raw"]),
        ("a.mhd", "Comment = 1.raw\nElementDataFile = 2.raw", ["2.raw"]),
        ("a.mhd", "ElementDataFile = {folder}/2.raw\n", []),
        ("a.mhd", "ElementDataFile = deep/3.raw\n", ["deep/3.raw"]),
        ("a.mhd", "ElementDataFile = deep/../../3.raw\n", []),
        ("a.mhd", "ElementDataFile = ..\n", []),
        ("a.mhd", "ElementDataFile = missing.raw\n", []),
        ("a.mhd", "ElementDataFile = LOCAL\n\0\n" + 9999 * "x" + "\n", []),
        ("a.mhd", "NDims = 3\n", []),
    ],
)
def test_names_in_a_header(tmp_path: Path, name: str, text: str, counted: list[str]) -> None:
    (tmp_path / "deep").mkdir()
    for data in ("1.raw", "2.raw", "deep/3.raw"):
        (tmp_path / data).write_text(data)
    header = tmp_path / name
    header.write_bytes(text.format(folder=tmp_path).encode())
    assert sha256_of(header) == plain_sha256(header, *(tmp_path / data for data in counted))


def sha256_of_sorted(files: Iterable[Path]) -> str:
    """The digest of the digests, whatever the files are called."""
    digests = sorted(plain_sha256(file) for file in files)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def test_of_dicom_the_files_of_the_series_count(dicom_series: Callable[..., Path]) -> None:
    folder, other = dicom_series("series"), dicom_series("an other")
    slices = sorted(folder.iterdir())
    (folder / "README.txt").write_text("notes")
    (folder / "DICOMDIR").write_bytes(b"")
    report = pydicom.dcmread(slices[0])
    del report.Rows, report.Columns, report.PixelData
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    report.save_as(folder / "report.dcm")
    data = LoadVolumesd()({"anatomical": folder, "partner": other})
    assert data["sha256"] == [sha256_of_sorted(slices), sha256_of_sorted(other.iterdir())]
