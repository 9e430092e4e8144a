"""Radiotherapy dose: frames at the offsets of GridFrameOffsetVector (PS3.3 C.8.8.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.io.dicom.frame import Frame
from mactfusion.io.dicom.place import NoPlaceError, checked, decimals, number, numbers

if TYPE_CHECKING:
    from pydicom import Dataset

_SAME_MM = 1e-3


def planes(header: Dataset) -> tuple[str, list[Frame]]:
    """Return "Gy" (or "" for a relative dose) and the planes.

    Raises:
        NoPlaceError: a place, or the scaling, is not known.
    """
    count = int(header.get("NumberOfFrames") or 1)
    scaling = number(header, "DoseGridScaling")
    if scaling <= 0:
        raise NoPlaceError("a dose without DoseGridScaling")
    first = np.array(numbers(header, "ImagePositionPatient", 3))
    orientation = numbers(header, "ImageOrientationPatient", 6)
    spacing = numbers(header, "PixelSpacing", 2)
    orientation_decimals = decimals(header, "ImageOrientationPatient")
    checked(orientation, spacing, orientation_decimals)
    along_row, along_column = np.reshape(orientation, (2, 3))
    normal = np.cross(along_row, along_column)
    normal /= np.linalg.norm(normal)
    offsets = np.zeros(1)
    if count > 1:
        offsets = np.array(numbers(header, "GridFrameOffsetVector", count))
    if abs(offsets[0]) > _SAME_MM:
        # The second way of writing them: the patient's z of each frame, for axial frames.
        is_axial = np.allclose(np.abs(orientation), [1, 0, 0, 0, 1, 0])
        if not is_axial or abs(offsets[0] - first[2]) > _SAME_MM:
            raise NoPlaceError("a dose whose GridFrameOffsetVector does not begin at its place")
        offsets = (offsets - offsets[0]) * normal[2]
    units = "Gy" if str(header.get("DoseUnits") or "").upper() == "GY" else ""
    place = "GridFrameOffsetVector" if count > 1 else "ImagePositionPatient"
    written = orientation_decimals, decimals(header, place)
    telling = {"dose": "DoseSummationType", "dose type": "DoseType"}
    keys = {name: str(header.get(tag)).strip() for name, tag in telling.items() if header.get(tag)}
    return units, [
        Frame(
            number=place,
            position_mm=tuple(first + offset * normal),
            orientation=orientation,
            spacing_mm=(spacing[0], spacing[1]),
            thickness_mm=number(header, "SliceThickness"),
            slope=scaling,
            keys=dict(keys),
            decimals=written,
        )
        for place, offset in enumerate(offsets)
    ]
