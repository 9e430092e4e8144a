"""Objects of one plane a file: CT, MR, PET and others (PS3.3 C.7.6.2, C.11.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.io.dicom.frame import Frame
from mactfusion.io.dicom.place import NoPlaceError, checked, decimals, number, numbers, rescale

if TYPE_CHECKING:
    from pydicom import Dataset

_PLACE_TAGS = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}

TELLING = {
    "image type": "ImageType",
    "echo time": "EchoTime",
    "echo": "EchoNumbers",
    "b-value": "DiffusionBValue",
    "flip angle": "FlipAngle",
    "inversion time": "InversionTime",
    "kVp": "KVP",
    "kernel": "ConvolutionKernel",
    "temporal position": "TemporalPositionIdentifier",
    "temporal index": "TemporalPositionIndex",
    "frame reference time": "FrameReferenceTime",
    "trigger time": "TriggerTime",
    "direction": "DiffusionGradientOrientation",
    "acquisition": "AcquisitionNumber",
    "stack": "StackID",
    "acquisition time": "AcquisitionTime",
}
"""What may tell two images at one place apart, and the tag that says it."""

HINTS = (
    "RepetitionTime", "SequenceName", "ScanningSequence", "ContrastBolusAgent",
    "SeriesDescription", "SeriesNumber", "SeriesTime", "ProtocolName", "DerivationDescription",
    "ReconstructionDiameter", "FilterType", "PatientPosition", "GantryDetectorTilt",
    "ImagedNucleus",
)  # fmt: skip
"""Tags that may differ within one volume, but not in turns from slice to slice."""

NUMBERS = ("InstanceNumber", "AcquisitionTime", "ContentTime", "AcquisitionDateTime")
"""Tags that go on along one volume, and start again in the next."""


def planes(header: Dataset) -> tuple[str, list[Frame]]:
    """Return the units and the one plane.

    Raises:
        NoPlaceError: several frames, or a place that is not known.
    """
    if int(header.get("NumberOfFrames") or 1) > 1:
        raise NoPlaceError("several frames in one file that does not say where each lies")
    position, orientation, spacing = (numbers(header, *tag) for tag in _PLACE_TAGS.items())
    orientation_decimals = decimals(header, "ImageOrientationPatient")
    checked(orientation, spacing, orientation_decimals)
    frame = Frame(
        number=0,
        position_mm=position,
        orientation=orientation,
        spacing_mm=(spacing[0], spacing[1]),
        thickness_mm=number(header, "SliceThickness"),
        apart_mm=number(header, "SpacingBetweenSlices"),
        slope=rescale(header, "RescaleSlope"),
        intercept=rescale(header, "RescaleIntercept") or 0.0,
        keys=keys_of(header),
        hints=_hints_of(header),
        duration_ms=number(header, "ActualFrameDuration"),
        decimals=(orientation_decimals, decimals(header, "ImagePositionPatient")),
    )
    return units_of(header), [frame]


def image_type(header: Dataset) -> tuple[str, ...]:
    """Return the values of ImageType in capitals."""
    value = header.get("ImageType")
    if not value:
        return ()
    values = [value] if isinstance(value, str) else value
    return tuple(str(each).strip().upper() for each in values)


def keys_of(header: Dataset) -> dict[str, Any]:
    """Return what of `TELLING` a header says."""
    keys = {name: comparable(header.get(tag)) for name, tag in TELLING.items()}
    if keys["temporal index"] is None and header.get("ImageIndex") and header.get("NumberOfSlices"):
        # PS3.3 C.8.9.4.1.9: time slices one after another, each with all its slices
        keys["temporal index"] = (int(header.ImageIndex) - 1) // int(header.NumberOfSlices) + 1
    return {name: value for name, value in keys.items() if value is not None}


def _hints_of(header: Dataset) -> dict[str, Any]:
    found = {tag: comparable(header.get(tag)) for tag in (*HINTS, *NUMBERS)}
    return {name: value for name, value in found.items() if value is not None}


def comparable(value: Any) -> Any:
    """Turn a value of DICOM into what can be compared and sorted; empty becomes None."""
    if value is None or value == "":
        return None
    if np.iterable(value) and not isinstance(value, str):
        values = tuple(found for each in value if (found := comparable(each)) is not None)
        return (values[0] if len(values) == 1 else values) if values else None
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).strip() or None


def units_of(header: Dataset) -> str:
    """Return the units of the values: of Units, else of RescaleType; a CT's are HU by default."""
    units = str(header.get("Units") or "").strip()
    kind = str(header.get("RescaleType") or "").strip()
    is_ct = str(header.get("Modality") or "").strip().upper() == "CT"
    if units:
        return units
    if kind.upper() in ("US", "UNSPECIFIED"):
        return ""
    if kind:
        return kind
    has_rescale = header.get("RescaleIntercept") not in (None, "")
    return "HU" if is_ct and has_rescale else ""
