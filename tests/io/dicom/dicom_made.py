"""DICOM files made on the spot: one right volume, written in the ways of several scanners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
STORAGE = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
    "RTDOSE": "1.2.840.10008.5.1.4.1.1.481.2",
    "enhanced MR": "1.2.840.10008.5.1.4.1.1.4.1",
    "enhanced CT": "1.2.840.10008.5.1.4.1.1.2.1",
    "enhanced PT": "1.2.840.10008.5.1.4.1.1.130",
}


@dataclass
class Made:
    """A volume and how it lies.

    Attributes:
        values: ``(slices, rows, columns)``, whole numbers.
        orientation: along a row and along a column, LPS.
        first_mm: of the first slice.
        spacing_mm: of rows and columns.
        step_mm: from slice to slice along the normal.
    """

    values: np.ndarray
    orientation: Sequence[float] = AXIAL
    first_mm: Sequence[float] = (-20.0, -30.0, 5.0)
    spacing_mm: Sequence[float] = (1.5, 1.25)
    step_mm: float = 3.0

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def affine(self) -> np.ndarray:
        """From index (column, row, slice) to RAS millimetres, by hand."""
        lps = np.eye(4)
        lps[:3, 0] = np.array(self.orientation[:3]) * self.spacing_mm[1]
        lps[:3, 1] = np.array(self.orientation[3:]) * self.spacing_mm[0]
        lps[:3, 2] = self.normal * self.step_mm
        lps[:3, 3] = self.first_mm
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps

    def position(self, index: float) -> list[float]:
        return [float(mm) for mm in self.first_mm + self.normal * self.step_mm * index]


def made(slices: int = 6, rows: int = 7, columns: int = 8, *, seed: int = 0, **how: Any) -> Made:
    """A volume in which no two voxels are equal."""
    count = slices * rows * columns
    values = np.random.default_rng(seed).permutation(count).reshape(slices, rows, columns) + 1
    return Made(values, **how)


def assert_same_volume(volume: Any, expected: Made, *, tolerance: float = 1e-6) -> None:
    """Assert that every voxel lies where it should, whichever end the slices are counted from."""
    values = expected.values.transpose(2, 1, 0)
    affine = expected.affine
    found = volume.affine.numpy()
    if found[:3, 2] @ affine[:3, 2] < 0:
        affine = affine @ np.diag([1.0, 1.0, -1.0, 1.0])
        affine[:3, 3] = expected.affine[:3, 3] + expected.affine[:3, 2] * (values.shape[2] - 1)
        values = values[..., ::-1]
    np.testing.assert_allclose(found, affine, atol=1e-6)
    np.testing.assert_allclose(volume[0].numpy(), values, rtol=tolerance, atol=1e-12)


def header(modality: str, kind: str = "", **tags: Any) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = STORAGE[kind or modality]
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PatientID, dataset.PatientBirthDate = modality, "P1", "19700101"
    dataset.PatientName = "Nobody^Real"
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = "1.2.3", "1.2.9"
    dataset.SeriesInstanceUID = generate_uid()
    dataset.SeriesDate, dataset.SeriesTime = "20240102", "101500"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20240102", "100000", "1"
    dataset.AccessionNumber, dataset.SeriesNumber = "", 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "OTHER"]
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def put_pixels(dataset: Dataset, planes: np.ndarray, dtype: str = "<i2") -> None:
    stored = np.ascontiguousarray(planes, dtype)
    bits = stored.dtype.itemsize * 8
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"


def save(dataset: FileDataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def classic(
    folder: Path,
    volume: Made,
    modality: str = "CT",
    *,
    name: str = "{:03d}.dcm",
    dtype: str = "<i2",
    change: Any = None,
    keep: Sequence[int] | None = None,
    **tags: Any,
) -> Path:
    """Write one file a slice; ``change(index, dataset)`` edits each, ``keep`` are those written."""
    uid = tags.pop("SeriesInstanceUID", None) or generate_uid()
    for index, plane in enumerate(volume.values):
        dataset = header(modality)
        dataset.SeriesInstanceUID, dataset.InstanceNumber = uid, index + 1
        dataset.ImagePositionPatient = [f"{mm:.10g}" for mm in volume.position(index)]
        dataset.ImageOrientationPatient = [f"{part:.10g}" for part in volume.orientation]
        dataset.PixelSpacing = list(volume.spacing_mm)
        dataset.SliceThickness = volume.step_mm
        if modality in ("CT", "PT"):
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
        if modality == "PT":
            dataset.Units = "BQML"
        put_pixels(dataset, plane, dtype)
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        if change is not None:
            change(index, dataset)
        if keep is None or index in keep:
            save(dataset, folder / name.format(index))
    return folder


def item(**tags: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def shared_groups(volume: Made) -> Dataset:
    return item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(volume.orientation))],
        PixelMeasuresSequence=[
            item(PixelSpacing=list(volume.spacing_mm), SliceThickness=volume.step_mm)
        ],
    )


def frame_groups(volume: Made, index: float, **content: Any) -> Dataset:
    return item(
        PlanePositionSequence=[item(ImagePositionPatient=volume.position(index))],
        FrameContentSequence=[item(**content)],
    )


def enhanced(
    path: Path,
    planes: np.ndarray,
    shared: Dataset,
    groups: Sequence[Dataset],
    modality: str = "MR",
    **tags: Any,
) -> Path:
    """Write one multi-frame file."""
    dataset = header(modality, f"enhanced {modality}", **tags)
    put_pixels(dataset, planes)
    dataset.NumberOfFrames = len(planes)
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = list(groups)
    return save(dataset, path)


def nuclear(path: Path, planes: np.ndarray, volume: Made, **tags: Any) -> Path:
    """Write NM RECON TOMO: the place of the first frame, and a signed step."""
    dataset = header("NM", ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"])
    put_pixels(dataset, planes, "<u2")
    dataset.NumberOfFrames = len(planes)
    dataset.PixelSpacing = list(volume.spacing_mm)
    dataset.SliceThickness = abs(volume.step_mm)
    dataset.SpacingBetweenSlices = volume.step_mm
    dataset.DetectorInformationSequence = [
        item(
            ImageOrientationPatient=list(volume.orientation),
            ImagePositionPatient=[float(mm) for mm in volume.first_mm],
        )
    ]
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return save(dataset, path)
