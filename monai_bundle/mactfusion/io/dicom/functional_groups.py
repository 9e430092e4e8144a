"""Enhanced objects, whose frames each have their functional groups (PS3.3 C.7.6.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mactfusion.io.dicom.classic import comparable, units_of
from mactfusion.io.dicom.frame import Frame
from mactfusion.io.dicom.place import (
    NoPlaceError,
    checked,
    decimals,
    first_item,
    number,
    numbers,
    rescale,
)

if TYPE_CHECKING:
    from pydicom import Dataset

_TELLING = {
    "image type": (
        ("MRImageFrameTypeSequence", "FrameType"),
        ("CTImageFrameTypeSequence", "FrameType"),
        ("PETFrameTypeSequence", "FrameType"),
        ("ParametricMapFrameTypeSequence", "FrameType"),
    ),
    "component": (("MRImageFrameTypeSequence", "ComplexImageComponent"),),
    "echo time": (("MREchoSequence", "EffectiveEchoTime"),),
    "b-value": (("MRDiffusionSequence", "DiffusionBValue"),),
    "flip angle": (("MRTimingAndRelatedParametersSequence", "FlipAngle"),),
    "inversion time": (("MRModifierSequence", "InversionTimes"),),
    "kVp": (("CTXRayDetailsSequence", "KVP"),),
    "kernel": (("CTReconstructionSequence", "ConvolutionKernel"),),
    "temporal index": (("FrameContentSequence", "TemporalPositionIndex"),),
    "trigger time": (
        ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
        ("CardiacTriggerSequence", "CardiacTriggerDelayTime"),
    ),
    "frame reference time": (("FrameContentSequence", "FrameReferenceDateTime"),),
    "acquisition": (("FrameContentSequence", "FrameAcquisitionNumber"),),
    "stack": (("FrameContentSequence", "StackID"),),
    "acquisition time": (("FrameContentSequence", "FrameAcquisitionDateTime"),),
}
"""Where each of what may tell two frames apart is written: sequence and tag."""

_UNITS_OF_CODES = {"{SUVbw}g/ml": "GML", "Bq/ml": "BQML", "[hnsf'U]": "HU", "Gy": "Gy"}


def planes(header: Dataset) -> tuple[str, list[Frame]]:
    """Return the units and the planes of all frames.

    Raises:
        NoPlaceError: the place of a frame is not known, or frames have several sizes of pixels.
    """
    count = int(header.get("NumberOfFrames") or 1)
    shared = first_item(header, "SharedFunctionalGroupsSequence")
    per_frame = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    if per_frame and len(per_frame) != count:
        raise NoPlaceError("frames of which some have no functional groups")
    groups = per_frame or [None] * count
    frames = [_plane(header, place, group, shared) for place, group in enumerate(groups)]
    return _units(header, groups[0], shared), frames


def _plane(header: Dataset, place: int, own: Dataset | None, shared: Dataset | None) -> Frame:
    measures = _place_group(own, shared, "PixelMeasuresSequence")
    orientation_group = _place_group(own, shared, "PlaneOrientationSequence")
    position_group = _place_group(own, shared, "PlanePositionSequence")
    position = numbers(position_group, "ImagePositionPatient", 3)
    orientation = numbers(orientation_group, "ImageOrientationPatient", 6)
    spacing = numbers(measures, "PixelSpacing", 2)
    orientation_decimals = decimals(orientation_group, "ImageOrientationPatient")
    checked(orientation, spacing, orientation_decimals)
    values = _group(own, shared, "PixelValueTransformationSequence")
    content = _group(own, shared, "FrameContentSequence")
    diffusion = first_item(
        _group(own, shared, "MRDiffusionSequence"), "DiffusionGradientDirectionSequence"
    )
    keys = {name: _found(own, shared, places) for name, places in _TELLING.items()}
    if diffusion is not None:
        keys["direction"] = comparable(diffusion.get("DiffusionGradientOrientation"))
    rescaled = header if values is None else values  # some write it at the top alone
    slope = rescale(rescaled, "RescaleSlope")
    intercept = rescale(rescaled, "RescaleIntercept") or 0.0
    mapping = _mapping(own, shared)
    if mapping is not None:  # its units are those of its own slope
        slope = rescale(mapping, "RealWorldValueSlope")
        intercept = rescale(mapping, "RealWorldValueIntercept") or 0.0
    return Frame(
        number=place,
        position_mm=position,
        orientation=orientation,
        spacing_mm=(spacing[0], spacing[1]),
        thickness_mm=number(measures, "SliceThickness"),
        apart_mm=number(measures, "SpacingBetweenSlices"),
        slope=slope,
        intercept=intercept,
        keys={name: value for name, value in keys.items() if value is not None},
        duration_ms=0.0 if content is None else number(content, "FrameAcquisitionDuration"),
        decimals=(orientation_decimals, decimals(position_group, "ImagePositionPatient")),
    )


def _group(own: Dataset | None, shared: Dataset | None, name: str) -> Dataset | None:
    """Return a functional group, that of the frame before that of all."""
    return first_item(own, name) or first_item(shared, name)


def _place_group(own: Dataset | None, shared: Dataset | None, name: str) -> Dataset:
    group = _group(own, shared, name)
    if group is None:
        raise NoPlaceError(f"frames without {name}, so that their place is unknown")
    return group


def _found(own: Dataset | None, shared: Dataset | None, places: tuple[tuple[str, str], ...]) -> Any:
    for sequence, tag in places:
        group = _group(own, shared, sequence)
        value = None if group is None else comparable(group.get(tag))
        if value is not None:
            return value
    return None


def _mapping(own: Dataset | None, shared: Dataset | None) -> Dataset | None:
    """Return the mapping to units that are known, if there is one with a slope."""
    mapping = _group(own, shared, "RealWorldValueMappingSequence")
    code = first_item(mapping, "MeasurementUnitsCodeSequence")
    is_known = code is not None and code.get("CodeValue") in _UNITS_OF_CODES
    return mapping if is_known and "RealWorldValueSlope" in (mapping or ()) else None


def _units(header: Dataset, own: Dataset | None, shared: Dataset | None) -> str:
    mapping = _mapping(own, shared)
    if mapping is not None:
        return _UNITS_OF_CODES[mapping.MeasurementUnitsCodeSequence[0].CodeValue]
    values = _group(own, shared, "PixelValueTransformationSequence")
    kind = "" if values is None else str(values.get("RescaleType") or "").strip()
    if kind and kind.upper() not in ("US", "UNSPECIFIED"):
        return kind
    return units_of(header)
