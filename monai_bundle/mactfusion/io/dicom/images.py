"""A header becomes an image with its planes, or the reason why it is no part of a volume."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pydicom.uid import UID

from mactfusion.io.dicom import classic, dose, functional_groups, mosaic, nuclear
from mactfusion.io.dicom.frame import Image
from mactfusion.io.dicom.place import NoPlaceError

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

_MODALITY_OF_KIND = {"CT": "CT", "MR": "MR", "Positron": "PT", "Nuclear": "NM", "RT Dose": "RTDOSE"}
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


def image_of(header: Dataset, path: Path) -> Image | None:
    """Return the image of a file.

    Args:
        header: from `read_header`.
        path: the file.

    Returns:
        The image; None where the file holds no pixels, such as a report or a structure set.
    """
    if not header.get("Rows") or not header.get("Columns"):
        return None
    sign = "" if header.get("PixelRepresentation") else "u"
    image = Image(
        path=path,
        sop_class=_text(header, "SOPClassUID"),
        instance=_text(header, "SOPInstanceUID"),
        study=_text(header, "StudyInstanceUID"),
        series=_text(header, "SeriesInstanceUID"),
        series_number=_text(header, "SeriesNumber"),
        modality=_modality(header),
        description=_printable(_text(header, "SeriesDescription")),
        date=_text(header, "SeriesDate") or _text(header, "StudyDate"),
        patient=(_digest(header, "PatientID"), _digest(header, "PatientBirthDate")),
        frame_of_reference=_text(header, "FrameOfReferenceUID"),
        rows=int(header.Rows),
        columns=int(header.Columns),
        stored_type=f"{sign}int{header.get('BitsAllocated') or 16}",
    )
    image.obstacle = _obstacle(header, image)
    if image.obstacle:
        return image
    try:
        image.units, frames = _planes(header, image)
    except NoPlaceError as error:
        image.obstacle, image.spoils = str(error), error.spoils
        return image
    image.hold(frames)
    return image


def _planes(header: Dataset, image: Image) -> tuple[str, list[Any]]:
    if "PerFrameFunctionalGroupsSequence" in header or "SharedFunctionalGroupsSequence" in header:
        return functional_groups.planes(header)
    if image.modality == "RTDOSE":
        return dose.planes(header)
    if nuclear.is_nuclear(header):
        return nuclear.planes(header)
    if "MOSAIC" in classic.image_type(header):
        return mosaic.planes(header, image)
    return classic.planes(header)


def _obstacle(header: Dataset, image: Image) -> str:
    if image.sop_class in _SEGMENTATIONS:
        return "a segmentation"
    if "LOCALIZER" in classic.image_type(header):
        return "a localizer"
    if int(header.get("SamplesPerPixel") or 1) != 1:
        return "colour images, which are screenshots and no measurements"
    if header.get("ModalityLUTSequence"):
        return "images whose values go through a lookup table (Modality LUT)"
    photometric = _text(header, "PhotometricInterpretation") or "MONOCHROME2"
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        return f"images whose grey is taken from a colour table ({photometric})"
    return ""


def _modality(header: Dataset) -> str:
    """Return DICOM's term, where it is missing by the kind of object."""
    if modality := _text(header, "Modality").upper():
        return modality
    name = UID(_text(header, "SOPClassUID")).name
    return next((term for kind, term in _MODALITY_OF_KIND.items() if kind in name), "")


def _printable(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())


def _text(header: Dataset, keyword: str) -> str:
    value = header.get(keyword)
    return "" if value is None else str(value).strip().strip("\0")


def _digest(header: Dataset, keyword: str) -> str:
    value = _text(header, keyword)
    return hashlib.sha256(f"{keyword}|{value}".encode()).hexdigest() if value else ""
