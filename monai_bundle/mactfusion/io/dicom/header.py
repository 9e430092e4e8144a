"""The header of one file, read as far as its pixels."""

from __future__ import annotations

from os import SEEK_END
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import UID, ExplicitVRBigEndian

from mactfusion.io.dicom.source import PREAMBLE_BYTES, looks_like_dicom

_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber",
    "Modality", "SeriesDescription", "SeriesDate", "StudyDate", "AcquisitionDate",
    "AcquisitionTime", "PatientID", "PatientBirthDate", "FrameOfReferenceUID", "ImageType",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "BitsAllocated", "PixelRepresentation", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "RescaleSlope", "RescaleIntercept",
    "RescaleType", "Units", "InstanceNumber", "AcquisitionNumber", "EchoTime", "EchoNumbers",
    "DiffusionBValue", "DiffusionGradientOrientation", "TemporalPositionIdentifier",
    "TemporalPositionIndex", "FrameReferenceTime", "ActualFrameDuration", "TriggerTime",
    "ConvolutionKernel", "ImageIndex", "NumberOfSlices", "StackID", "DetectorInformationSequence",
    "SliceVector", "TimeSlotVector", "RRIntervalVector", "EnergyWindowVector", "DetectorVector",
    "ModalityLUTSequence", "KVP", "FlipAngle", "InversionTime", "DoseSummationType", "DoseType",
    "GridFrameOffsetVector", "DoseGridScaling", "DoseUnits", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "RepetitionTime", "SequenceName", "ScanningSequence",
    "ContrastBolusAgent", "SeriesTime", "ProtocolName", "DerivationDescription",
    "ReconstructionDiameter", "FilterType", "PatientPosition", "GantryDetectorTilt",
    "ImagedNucleus", "ContentTime", "AcquisitionDateTime",
]  # fmt: skip


_LEAST_OF_A_FRAME = 8
_LEAST_OF_AN_ELEMENT = 8
_UNDEFINED = 0xFFFFFFFF
_GROUP_OF_PIXELS = 0x7FE0


class DamagedError(Exception):
    """The file is DICOM and cannot be read to its pixels.

    Args:
        how: completes "it ...", such as "has 0 bytes".
        header: what could be read of it.
    """

    def __init__(self, how: str, header: pydicom.Dataset | None = None) -> None:
        super().__init__(how)
        self.how = how
        self.header = header


def read_header(path: Path, *, whole: bool = False) -> pydicom.Dataset | None:
    """Read a header without pixels.

    Args:
        path: a file.
        whole: all of it; else what a listing needs.

    Returns:
        The header, with the values converted; None for a file that is no DICOM.

    Raises:
        DamagedError: the file is empty, ends early or breaks DICOM's rules beyond reading.
    """
    size = path.stat().st_size
    if size == 0:
        raise DamagedError("has 0 bytes")
    if not looks_like_dicom(path):
        if size < PREAMBLE_BYTES and not any(path.read_bytes()):
            raise DamagedError("ends within its preamble")
        return None
    try:
        with path.open("rb") as file:
            header = pydicom.dcmread(
                file,
                stop_before_pixels=True,
                force=True,
                specific_tags=None if whole else _TAGS,
            )
            place = file.tell()
            element = file.read(12)
        if "SOPClassUID" not in header:
            if "MediaStorageSOPClassUID" not in header.file_meta:
                raise DamagedError("ends within its header")
            header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID
        for _ in header.iterall():  # values are converted here, where nothing is said of them
            pass
        header.filename = str(path)
        _check_length(header, size - place, element)
    except DamagedError:
        raise
    except Exception as error:
        raise DamagedError("has a header that cannot be read") from error
    return header


def encoding_of(dataset: Any) -> tuple[bool, bool]:
    """Tell whether a file that was read names no types of values, and has the low byte first."""
    found = getattr(dataset, "original_encoding", None)  # pydicom 3
    if found is None or found[0] is None:
        return bool(dataset.is_implicit_VR), bool(dataset.is_little_endian)
    return bool(found[0]), bool(found[1])


def _check_length(header: pydicom.Dataset, bytes_left: int, element: bytes) -> None:
    """Refuse a file whose pixels end early: libraries fill up what is missing without a word."""
    if not header.get("Rows") or not header.get("Columns"):
        kind = UID(str(header.SOPClassUID)).name
        if "Image Storage" in kind or kind == "RT Dose Storage":
            raise DamagedError("ends within its header", header)
        return
    syntax = header.file_meta.get("TransferSyntaxUID", "")
    if syntax and syntax.is_deflated:
        return
    if bytes_left <= 0:
        raise DamagedError("ends before its pixels", header)
    if int(header.get("SamplesPerPixel") or 1) != 1:  # colour, of which nothing is read
        return
    frames = int(header.get("NumberOfFrames") or 1)
    if syntax and syntax.is_compressed:
        if frames * _LEAST_OF_A_FRAME > bytes_left:
            raise DamagedError("tells of more frames than it has room for", header)
        return
    is_named = element[4:6].isalpha()  # the type of its value, or not
    bits = header.Rows * header.Columns * frames
    needed = -(-bits * int(header.get("BitsAllocated") or 16) // 8)
    if bytes_left - (12 if is_named else 8) < needed:
        raise DamagedError("is incomplete, its pixels end early", header)
    written = element[8:12] if is_named else element[4:8]
    is_big = syntax == ExplicitVRBigEndian
    length = int.from_bytes(written, "big") if is_big else int.from_bytes(written, "little")
    if length not in (needed, needed + needed % 2, _UNDEFINED):
        raise DamagedError("holds more pixels than its rows, columns and frames", header)
    rest = bytes_left - (12 if is_named else 8) - length
    if length != _UNDEFINED and rest >= _LEAST_OF_AN_ELEMENT:
        with Path(header.filename).open("rb") as file:
            file.seek(-rest, SEEK_END)
            group = int.from_bytes(file.read(2), "big" if is_big else "little")
        if 0 < group < _GROUP_OF_PIXELS:  # tags ascend; some files are filled up with zeros
            raise DamagedError("goes on after its pixels with what is no DICOM", header)
