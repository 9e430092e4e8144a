"""Siemens mosaic: all slices tiled in one picture.

ImagePositionPatient is that of the picture; its centre is that of the first slice. In which order
the slices lie is said by SliceNormalVector of the scanner's private header alone; see
https://nipy.org/nibabel/dicom/dicom_mosaic.html.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.io.dicom import classic
from mactfusion.io.dicom.header import read_header
from mactfusion.io.dicom.place import NoPlaceError, number

if TYPE_CHECKING:
    from pydicom import Dataset

    from mactfusion.io.dicom.frame import Frame, Image

_ORDER_UNKNOWN = (
    "a Siemens mosaic without the scanner's private header, which says in which order its slices"
    " lie; export it again with private tags"
)


def planes(header: Dataset, image: Image) -> tuple[str, list[Frame]]:
    """Return the units and the slices; ``image`` gets the size of one.

    Raises:
        NoPlaceError: how many slices there are, or their order, is not known.
    """
    units, (whole,) = classic.planes(header)
    private = _private_header(image)
    count = int(_value(private, "NumberOfImagesInMosaic") or 0)
    upwards = _value(private, "SliceNormalVector")
    if count < 1 or upwards is None or np.size(upwards) != 3:
        raise NoPlaceError(_ORDER_UNKNOWN)
    across = math.ceil(math.sqrt(count))
    rows, columns = image.rows // across, image.columns // across
    row_mm, column_mm = whole.spacing_mm
    along_row, along_column = np.reshape(whole.orientation, (2, 3))
    normal = np.cross(along_row, along_column)
    normal /= np.linalg.norm(normal)
    if abs(float(np.dot(normal, np.array(upwards, float)))) < 0.9:
        raise NoPlaceError(_ORDER_UNKNOWN)
    step_mm = number(header, "SpacingBetweenSlices") or whole.thickness_mm
    if count > 1 and step_mm <= 0:
        raise NoPlaceError("a mosaic without SpacingBetweenSlices")
    step = math.copysign(step_mm, float(np.dot(normal, np.array(upwards, float)))) * normal
    first = np.array(whole.position_mm)
    first = first + along_row * column_mm * (image.columns - columns) / 2
    first = first + along_column * row_mm * (image.rows - rows) / 2
    image.rows, image.columns = rows, columns
    return units, [
        _tile(
            whole, tuple(first + place * step), (place // across * rows, place % across * columns)
        )
        for place in range(count)
    ]


def _tile(whole: Frame, position: tuple[float, ...], corner: tuple[int, int]) -> Frame:
    return type(whole)(
        number=0,
        position_mm=position,
        orientation=whole.orientation,
        spacing_mm=whole.spacing_mm,
        thickness_mm=whole.thickness_mm,
        slope=whole.slope,
        intercept=whole.intercept,
        keys=whole.keys,
        corner=corner,
        decimals=whole.decimals,
    )


def _private_header(image: Image) -> dict[str, Any]:
    from nibabel.nicom import csareader  # it warns when it is imported

    header = read_header(image.path, whole=True)
    found = None if header is None else csareader.get_csa_header(header, "image")
    return found or {}


def _value(private: dict[str, Any], name: str) -> Any:
    items = private.get("tags", {}).get(name, {}).get("items") or None
    return items[0] if items is not None and len(items) == 1 else items
