"""A folder with one DICOM series: checked by its headers first, then read slice by slice."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import SimpleITK
from monai.data.utils import orientation_ras_lps
from pydicom.config import disable_value_validation
from pydicom.errors import InvalidDicomError

from mactfusion.errors import InputError
from mactfusion.io.guard import guarded
from mactfusion.io.volume import make_volume

if TYPE_CHECKING:
    from monai.data import MetaTensor

_TAGS = [
    "Modality", "Units", "PatientID", "PatientBirthDate", "SeriesInstanceUID", "Rows", "Columns",
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
    "SliceThickness", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "PixelRepresentation",
    "PhotometricInterpretation",
]  # fmt: skip

_PLACE_TAGS = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")

_UNREADABLE_PIXELS = (
    "the pixels of a DICOM file are damaged or compressed in an unsupported way;"
    " convert the series to NIfTI (for example with dcm2niix)"
)

LARGEST_DEVIATION = 0.1
"""Of the slice distance: how far a slice may lie from its place on the grid. Positions written
with one decimal stay below, a missing slice is at least 0.5."""


def read_dicom_folder(folder: Path) -> MetaTensor:
    """Read the one DICOM series in a folder (subfolders are not searched).

    Slices are sorted by their position along the slice normal, whatever their file names and
    numbers; the affine comes from the positions (DICOM PS3.3 C.7.6.2.1.1), never from Spacing
    Between Slices; rescale slope and intercept are those of each slice. Files that are no DICOM
    images (``DICOMDIR``, reports, structure sets, text) are passed over.

    Args:
        folder: the folder.

    Returns:
        The volume ``(1, I, J, K)``, first index along the rows, last along the slice normal. Its
        meta holds ``modality``, ``units``, ``frame_of_reference`` and ``patient_digest``
        (SHA-256 of patient identifier and birth date: to compare two inputs in memory, not to be
        written anywhere); nothing else of the patient is kept.

    Raises:
        InputError: no images, several series, missing slices, uneven distances, ...
    """
    headers = _headers_of_images(folder)
    _check_one_series(headers, folder)
    _check_images(headers, folder)
    ordered, affine = _order_and_affine(headers, folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(header.filename) for header in ordered])
    reader.SetOutputPixelType(SimpleITK.sitkFloat32)
    with guarded(f"{folder} cannot be read", _UNREADABLE_PIXELS):
        image = reader.Execute()
    first = ordered[0]
    sign = "" if first.get("PixelRepresentation", 0) else "u"
    return make_volume(
        SimpleITK.GetArrayViewFromImage(image).T,
        affine,
        name=str(folder),
        source_dtype=f"{sign}int{first.get('BitsAllocated', 16)}",
        modality=str(first.get("Modality", "")),
        units=str(first.get("Units", "")),
        frame_of_reference=str(first.get("FrameOfReferenceUID", "")),
        patient_digest=_patient_digest(first),
    )


def image_files(folder: Path) -> list[Path]:
    """The files in a folder that `read_dicom_folder` reads, in the order of their names.

    Args:
        folder: the folder (subfolders are not searched).

    Raises:
        InputError: no images, or one with a damaged header.
    """
    return [Path(header.filename) for header in _headers_of_images(folder)]


def same_patient_warning(anatomical: MetaTensor, partner: MetaTensor) -> str | None:
    """Say so when the headers of two volumes tell of two patients or two frames of reference.

    Args:
        anatomical: a volume from `read_dicom_folder`; others tell nothing, so None is returned.
        partner: the same.

    Returns:
        One sentence without patient data, or None.
    """
    differing = [
        what
        for key, what in (
            ("patient_digest", "different patients (identifier or birth date)"),
            ("frame_of_reference", "different frames of reference (not aligned by the scanner)"),
        )
        if anatomical.meta.get(key)
        and partner.meta.get(key)
        and anatomical.meta[key] != partner.meta[key]
    ]
    if not differing:
        return None
    return (
        f"The DICOM headers of the two volumes name {' and '.join(differing)};"
        " check that they belong together and register them"
    )


def _headers_of_images(folder: Path) -> list[pydicom.Dataset]:
    damaged = "a DICOM file in it has a damaged header"
    with guarded(f"{folder} cannot be read", damaged), disable_value_validation():
        candidates = [_header_of_image(path) for path in sorted(folder.iterdir()) if path.is_file()]
    headers = [header for header in candidates if header is not None]
    if not headers:
        raise InputError(
            f"{folder} holds no DICOM images (subfolders are not searched); give the folder"
            " of one series, or a file"
        )
    return headers


def _header_of_image(path: Path) -> pydicom.Dataset | None:
    if path.name.upper() == "DICOMDIR":
        return None
    with path.open("rb") as file:
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
        except InvalidDicomError:
            return None
        bytes_left = path.stat().st_size - file.tell()
    if "Rows" not in header or "Columns" not in header:
        return None
    syntax = header.file_meta.TransferSyntaxUID
    bytes_needed = header.Rows * header.Columns * header.get("BitsAllocated", 16) // 8
    # GDCM fills up what is missing without a word
    if not syntax.is_compressed and not syntax.is_deflated and bytes_left < bytes_needed:
        raise InputError(f"{path} is incomplete, its pixels end early; copy or export it again")
    list(header)  # values are converted when first asked for: here, where nothing is said of them
    header.filename = str(path)
    return header


def _check_one_series(headers: list[pydicom.Dataset], folder: Path) -> None:
    series = defaultdict(list)
    for header in headers:
        series[str(header.get("SeriesInstanceUID", ""))].append(str(header.get("Modality", "")))
    if len(series) > 1:
        found = ", ".join(
            f"{len(modalities)} {modalities[0]} images" for modalities in series.values()
        )
        raise InputError(
            f"{folder} holds {len(series)} DICOM series ({found});"
            " put each series into a folder of its own"
        )


def _check_images(headers: list[pydicom.Dataset], folder: Path) -> None:
    """Every image is one grey slice with a place in the patient, and all are of one size."""
    if any(int(header.get("NumberOfFrames", 1) or 1) > 1 for header in headers):
        raise InputError(
            f"{folder} holds a multi-frame DICOM file; convert it to NIfTI first"
            " (for example with dcm2niix)"
        )
    if any(header.get("SamplesPerPixel", 1) != 1 for header in headers):
        raise InputError(
            f"{folder} holds colour DICOM images, which are screenshots and no measurements;"
            " use the original series"
        )
    # white for small values, or indices into a table: the numbers are not what the fusion expects
    if any(
        (header.get("PhotometricInterpretation") or "MONOCHROME2") != "MONOCHROME2"
        for header in headers
    ):
        raise InputError(
            f"{folder} holds DICOM images whose grey is inverted or taken from a colour table"
            " (PhotometricInterpretation is not MONOCHROME2); use the original series"
        )
    for tag in _PLACE_TAGS:
        without = sum(not header.get(tag) for header in headers)
        if without:
            raise InputError(
                f"{folder}: {without} of {len(headers)} DICOM images have no {tag}, so their"
                " place in the patient is unknown; use the original series"
            )
    sizes = Counter((header.Columns, header.Rows) for header in headers)
    spacings = Counter(tuple(float(mm) for mm in header.PixelSpacing) for header in headers)
    if len(sizes) > 1 or len(spacings) > 1:
        raise InputError(
            f"{folder} holds images of {max(len(sizes), len(spacings))} sizes or pixel spacings in"
            " one DICOM series; keep those of one kind in the folder"
        )


def _order_and_affine(
    headers: list[pydicom.Dataset], folder: Path
) -> tuple[list[pydicom.Dataset], np.ndarray]:
    """Sort along the slice normal and compute the affine, RAS+ millimetres."""
    orientations = np.array([header.ImageOrientationPatient for header in headers], float)
    if np.abs(orientations - orientations[0]).max() > 1e-3:
        raise InputError(
            f"{folder} holds slices of different orientations in one DICOM series (a localizer?);"
            " keep those of one orientation in the folder"
        )
    along_row, along_column = orientations[0].reshape(2, 3)
    normal = np.cross(along_row, along_column)
    positions_mm = np.array([header.ImagePositionPatient for header in headers], float)
    order = np.argsort(positions_mm @ normal, kind="stable")
    positions_mm = positions_mm[order]
    ordered = [headers[index] for index in order]
    row_distance_mm, column_distance_mm = (float(mm) for mm in ordered[0].PixelSpacing)
    if len(ordered) > 1:
        slice_distance_mm = _slice_distance_mm(positions_mm @ normal, folder)
        _check_straight_stack(positions_mm, normal, slice_distance_mm, folder)
    else:
        slice_distance_mm = float(ordered[0].get("SliceThickness") or 1.0)
    affine = np.eye(4)
    affine[:3, 0] = along_row * column_distance_mm
    affine[:3, 1] = along_column * row_distance_mm
    affine[:3, 2] = normal * slice_distance_mm
    affine[:3, 3] = positions_mm[0]
    return ordered, orientation_ras_lps(affine)


def _slice_distance_mm(places_mm: np.ndarray, folder: Path) -> float:
    """The one distance between neighbouring slices, from their sorted places on the normal."""
    gaps_mm = np.diff(places_mm)
    typical_mm = float(np.median(gaps_mm))
    twice = int(np.count_nonzero(gaps_mm < max(0.01 * typical_mm, 1e-3)))
    if twice:
        raise InputError(
            f"{folder}: {twice} of {len(places_mm)} DICOM slices lie at the position of another"
            " one (a copy, or several time points or echoes); keep one slice a position"
        )
    distance_mm = float(places_mm[-1] - places_mm[0]) / len(gaps_mm)
    even_mm = places_mm[0] + distance_mm * np.arange(len(places_mm))
    if np.abs(places_mm - even_mm).max() <= LARGEST_DEVIATION * distance_mm:
        return distance_mm
    steps = gaps_mm / typical_mm
    if np.abs(steps - np.rint(steps)).max() <= LARGEST_DEVIATION:
        missing = int(np.rint(steps).sum()) - len(gaps_mm)
        raise InputError(
            f"{folder}: {missing} DICOM slice(s) missing (a gap of {gaps_mm.max():g} mm where"
            f" slices are {typical_mm:g} mm apart); export the series again"
        )
    raise InputError(
        f"{folder}: the DICOM slices are unevenly spaced ({gaps_mm.min():g} to"
        f" {gaps_mm.max():g} mm apart); resample the series to even slices first"
    )


def _check_straight_stack(
    positions_mm: np.ndarray, normal: np.ndarray, slice_distance_mm: float, folder: Path
) -> None:
    from_first_mm = positions_mm - positions_mm[0]
    sideways_mm = from_first_mm - np.outer(from_first_mm @ normal, normal)
    largest_mm = float(np.linalg.norm(sideways_mm, axis=1).max())
    if largest_mm > LARGEST_DEVIATION * slice_distance_mm:
        raise InputError(
            f"{folder}: the DICOM slices are shifted sideways by up to {largest_mm:.1f} mm (a"
            " tilted gantry); correct the tilt first, for example with dcm2niix"
        )


def _patient_digest(header: pydicom.Dataset) -> str:
    patient = f"{header.get('PatientID', '')}|{header.get('PatientBirthDate', '')}"
    return "" if patient == "|" else hashlib.sha256(patient.encode()).hexdigest()
