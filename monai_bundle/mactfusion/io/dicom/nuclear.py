"""Nuclear medicine: one file of many planes, of which reconstructed ones are a volume.

PS3.3 C.8.4.9 to C.8.4.17. The place of the first plane is that of the detector's; the next lies
SpacingBetweenSlices along the normal, on the side that its sign says (C.8.4.15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.io.dicom.classic import image_type, keys_of, units_of
from mactfusion.io.dicom.frame import Frame
from mactfusion.io.dicom.place import (
    NoPlaceError,
    checked,
    decimals,
    first_item,
    number,
    numbers,
    rescale,
    vector,
)

if TYPE_CHECKING:
    from pydicom import Dataset

_NM_STORAGE = ("1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.5.1.4.1.1.5")
_RECONSTRUCTED = ("RECON TOMO", "RECON GATED TOMO")
_KINDS = {
    "TOMO": "projections of a tomography (TOMO), which are not reconstructed",
    "GATED TOMO": "projections of a tomography (GATED TOMO), which are not reconstructed",
    "STATIC": "planar images (STATIC)",
    "DYNAMIC": "planar images (DYNAMIC)",
    "GATED": "planar images (GATED)",
    "WHOLE BODY": "planar images (WHOLE BODY)",
}


def is_nuclear(header: Dataset) -> bool:
    """Tell whether this is an NM image object."""
    return str(header.get("SOPClassUID") or "") in _NM_STORAGE


def planes(header: Dataset) -> tuple[str, list[Frame]]:
    """Return the units and the planes.

    Raises:
        NoPlaceError: planar images or projections, or a place that is not known.
    """
    kinds = image_type(header)
    if kind := next((kind for kind in kinds[2:] if kind in _KINDS), ""):
        raise NoPlaceError(_KINDS[kind], spoils=False)
    if not any(kind in _RECONSTRUCTED for kind in kinds):
        raise NoPlaceError("images whose ImageType does not say RECON TOMO", spoils=False)
    detector = first_item(header, "DetectorInformationSequence")
    # hybrid scanners write the place where those of other modalities have it
    source = header if header.get("ImageOrientationPatient") else detector
    if source is None:
        raise NoPlaceError("images without ImagePositionPatient, so that their place is unknown")
    first = np.array(numbers(source, "ImagePositionPatient", 3))
    orientation = numbers(source, "ImageOrientationPatient", 6)
    spacing = numbers(header, "PixelSpacing", 2)
    written = (
        decimals(source, "ImageOrientationPatient"),
        decimals(source, "ImagePositionPatient"),
    )
    checked(orientation, spacing, written[0])
    count = int(header.get("NumberOfFrames") or 1)
    step_mm = number(header, "SpacingBetweenSlices")
    if count > 1 and step_mm == 0:  # its sign alone says on which side of the first they lie
        raise NoPlaceError(
            "frames without SpacingBetweenSlices, so that it is unknown on which side of the first"
            " one the others lie"
        )
    along_row, along_column = np.reshape(orientation, (2, 3))
    normal = np.cross(along_row, along_column)
    normal /= np.linalg.norm(normal)
    slices = list(range(1, count + 1))
    if "SliceVector" in header:
        slices = vector(header, "SliceVector", count)
    telling = {
        "time slot": vector(header, "TimeSlotVector", count),
        "R-R interval": vector(header, "RRIntervalVector", count),
        "energy window": vector(header, "EnergyWindowVector", count),
        "detector": vector(header, "DetectorVector", count),
    }
    keys = keys_of(header)
    thickness_mm = number(header, "SliceThickness") or abs(step_mm)
    frames = [
        Frame(
            number=place,
            position_mm=tuple(first + (slices[place] - 1) * step_mm * normal),
            orientation=orientation,
            spacing_mm=(spacing[0], spacing[1]),
            thickness_mm=thickness_mm,
            slope=rescale(header, "RescaleSlope"),
            intercept=rescale(header, "RescaleIntercept") or 0.0,
            keys={**keys, **{name: values[place] for name, values in telling.items()}},
            decimals=written,
        )
        for place in range(count)
    ]
    return units_of(header), frames
