"""Small volumes and DICOM series made on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHAPE = (7, 6, 5)


def rotation(first_degrees: float, second_degrees: float) -> np.ndarray:
    """A rotation about the x and then about the z axis, (3, 3)."""
    (a, b), (c, d) = (
        (np.cos(angle), np.sin(angle)) for angle in np.radians([first_degrees, second_degrees])
    )
    about_x = np.array([[1, 0, 0], [0, a, -b], [0, b, a]])
    about_z = np.array([[c, -d, 0], [d, c, 0], [0, 0, 1]])
    return about_z @ about_x


def affine_from(axes: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing_mm
    affine[:3, 3] = (-31.25, 17.5, -70.75)
    return affine


AFFINES = {
    "RAS": affine_from(np.eye(3), (1.0, 1.5, 3.0)),
    "LPS": affine_from(np.diag([-1.0, -1.0, 1.0]), (0.9, 0.9, 5.0)),
    "left-handed": affine_from(np.diag([1.0, 1.0, -1.0]), (2.0, 2.0, 2.5)),
    "permuted": affine_from(np.eye(3)[[2, 0, 1]], (1.0, 1.2, 1.4)),
    "oblique": affine_from(rotation(19.0, -33.0), (1.1, 0.8, 4.0)),
    "oblique left-handed": affine_from(rotation(-50.0, 12.0) * (-1, 1, 1), (1.1, 0.8, 4.0)),
}


@pytest.fixture(params=AFFINES.values(), ids=AFFINES.keys())
def affine(request: pytest.FixtureRequest) -> np.ndarray:
    return request.param


@pytest.fixture
def scalar() -> np.ndarray:
    """``(I, J, K)`` int16, no two voxels equal."""
    values = np.arange(np.prod(SHAPE), dtype=np.int16) - 100
    return np.random.default_rng(0).permutation(values).reshape(SHAPE)


@pytest.fixture
def colour() -> np.ndarray:
    """``(I, J, K, 3)`` uint8."""
    return np.random.default_rng(1).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)


@pytest.fixture
def dicom_series(tmp_path: Path, scalar: np.ndarray) -> Callable[..., Path]:
    """Write a CT series of the voxels ``scalar[..., k]`` into a folder.

    ``make(folder=..., places_mm=..., change=...)``: ``change(k, dataset)`` edits each header.
    """

    def make(
        folder: str = "series",
        places_mm: tuple[float, ...] = (0.0, 3.0, 6.0, 9.0, 12.0),
        change: Callable[[int, Any], None] = lambda index, dataset: None,
    ) -> Path:
        target = tmp_path / folder
        target.mkdir(exist_ok=True)
        for index, place_mm in enumerate(places_mm):
            dataset = _ct_slice(scalar[..., index % SHAPE[2]], place_mm)
            dataset.InstanceNumber = index + 1
            dataset.SOPInstanceUID = f"1.2.3.4.{index + 1}"
            dataset.SeriesInstanceUID = f"1.2.3.{len(folder)}"
            change(index, dataset)
            dataset.save_as(target / f"{folder}_{index:03d}.dcm", enforce_file_format=True)
        return target

    return make


def _ct_slice(pixels: np.ndarray, place_mm: float) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = CTImageStorage
    dataset.Modality, dataset.PatientID, dataset.PatientBirthDate = "CT", "P1", "19700101"
    dataset.PatientName = "Nobody^Real"
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = "1.2.3", "1.2.9"
    dataset.Columns, dataset.Rows = pixels.shape
    dataset.PixelSpacing = [1.5, 1.25]
    dataset.SliceThickness = 3.0
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-20.0, -30.0, place_mm]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.PixelData = np.ascontiguousarray(pixels.T.astype("<i2")).tobytes()
    return dataset
