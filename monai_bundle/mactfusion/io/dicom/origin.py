"""What DICOM output needs to know of a series: kept as text, without pixels.

Only the attributes named here are ever read for it. What travels with a case is text, which
survives MONAI's loader, and outlives files that are unpacked for the time of reading.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.config import RAISE, disable_value_validation
from pydicom.uid import UID
from pydicom.valuerep import validate_value

from mactfusion.errors import InputError
from mactfusion.io.dicom.values import is_inverted
from mactfusion.io.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PATIENT = (
    "PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID", "PatientBirthDate",
    "PatientSex", "PatientIdentityRemoved", "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
)  # fmt: skip
STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
    "StudyDescription", "ReferringPhysicianName", "PatientAge", "PatientSize", "PatientWeight",
)  # fmt: skip
FRAME_OF_REFERENCE = ("FrameOfReferenceUID", "PositionReferenceIndicator")
BODY = ("PatientPosition", "BodyPartExamined", "Laterality")
EQUIPMENT = (
    "Manufacturer", "ManufacturerModelName", "StationName", "SoftwareVersions", "InstitutionName",
)  # fmt: skip

_OF_THE_SERIES = (
    "SpecificCharacterSet", *PATIENT, *STUDY, *FRAME_OF_REFERENCE, *BODY, *EQUIPMENT,
    "Modality", "SeriesInstanceUID", "SeriesNumber", "Units",
)  # fmt: skip

_OF_AN_IMAGE = (
    "SOPClassUID", "SOPInstanceUID", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated",
    "NumberOfFrames", "PhotometricInterpretation", "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing", "BurnedInAnnotation", "LossyImageCompression",
    "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip

_SAME_FOR_ALL = {
    "PatientID": "patients",
    "StudyInstanceUID": "studies",
    "FrameOfReferenceUID": "frames of reference",
}

_ENUMERATED = {
    "PatientSex": ("M", "F", "O"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "Laterality": ("R", "L"),
}
"""Attributes that have no other values."""

_LOSSY_METHODS = {
    "1.2.840.10008.1.2.4.50": "ISO_10918_1",
    "1.2.840.10008.1.2.4.51": "ISO_10918_1",
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
}
"""Transfer syntaxes that always lose, by the standard that they compress with."""


@dataclass(frozen=True)
class Image:
    """One instance of a series.

    Attributes:
        sop_class: SOP Class UID.
        uid: SOP Instance UID.
        corners: ``(4, 3)`` in DICOM's LPS millimetres, the centres of its pixels at the corners;
            empty where the header has no single place.
    """

    sop_class: str
    uid: str
    corners: list[list[float]]


@dataclass(frozen=True)
class Scale:
    """How the stored values of one plane become those of its series.

    Attributes:
        uid: SOP Instance UID of the image that holds it.
        frame: its number within that image, from 1; 0 where the image is one plane.
        slope: stored value times this,
        intercept: plus this.
    """

    uid: str
    frame: int
    slope: float
    intercept: float


@dataclass(frozen=True)
class Origin:
    """A series that was read.

    Attributes:
        attributes: those of the whole series, in DICOM's JSON model (PS3.18 F), in Unicode.
        images: its instances, as far as other objects can refer to them, by valid UIDs of study,
            series and instance.
        invalid: attributes that were left out, because DICOM does not allow their values.
        lossy: "01" where one was compressed with loss, "00" where all say that none was, else "".
        lossy_ratios: of each lossy compression.
        lossy_methods: likewise.
        has_text: whether an image says that its pixels hold text.
        is_inverted: whether white stands for small values (MONOCHROME1).
        scales: of each plane that was read; none where nobody asks.
        factor: the values that are fused are those of the series times this, as SUV of Bq/ml.
    """

    attributes: dict[str, Any]
    images: list[Image]
    invalid: list[str] = field(default_factory=list)
    lossy: str = ""
    lossy_ratios: list[float] = field(default_factory=list)
    lossy_methods: list[str] = field(default_factory=list)
    has_text: bool = False
    is_inverted: bool = False
    scales: list[Scale] = field(default_factory=list)
    factor: float = 1.0

    @property
    def header(self) -> pydicom.Dataset:
        """The attributes of the whole series."""
        with disable_value_validation():
            return pydicom.Dataset.from_json(self.attributes)

    @property
    def is_uneven(self) -> bool:
        """Whether the planes that were read differ in their scale."""
        return len({(scale.slope, scale.intercept) for scale in self.scales}) > 1

    @property
    def modality(self) -> str:
        """Such as "MR"; "" where it is not known."""
        return str(self.header.get("Modality", "") or "")

    @property
    def distance_mm(self) -> float:
        """The usual distance of its images, 0 where there is one, or their places are unknown."""
        places = np.array([image.corners for image in self.images if image.corners])
        if len(places) < 2:
            return 0.0
        normal = np.cross(places[0, 1] - places[0, 0], places[0, 2] - places[0, 0])
        length = float(np.linalg.norm(normal))
        if length == 0:
            return 0.0
        gaps = np.diff(np.sort(places.mean(axis=1) @ (normal / length)))
        return float(np.median(gaps))


def origin_of(files: Sequence[Path]) -> Origin:
    """Read what DICOM output needs of the files of one series.

    Args:
        files: those that were read as one volume; in any order.

    Returns:
        The series, without pixels and without private attributes.

    Raises:
        InputError: they are of several patients, studies or frames of reference, or damaged.
    """
    folder = files[0].parent
    with guarded(f"{folder} cannot be read", prints=False), disable_value_validation():
        headers = [_header(path) for path in files]
        for keyword, what in _SAME_FOR_ALL.items():
            told = {str(header.get(keyword) or "") for header in headers} - {""}
            if len(told) > 1:
                raise InputError(
                    f"{folder} holds images of several {what}, so the result belongs to none of "
                    "them: write another format."
                )
        flags = {str(header.get("LossyImageCompression", "")) for header in headers}
        ratios, methods = _compressions(headers)
        attributes, invalid = _as_json(headers)
        named = pydicom.Dataset.from_json(attributes)
        has_uids = bool(named.get("StudyInstanceUID") and named.get("SeriesInstanceUID"))
        images = [image for image in map(_image, headers) if has_uids and _can_be_named(image)]
        return Origin(
            attributes=attributes,
            images=images,
            invalid=invalid,
            lossy="01" if "01" in flags or methods else "00" if flags == {"00"} else "",
            lossy_ratios=ratios,
            lossy_methods=methods,
            has_text=any(str(header.get("BurnedInAnnotation", "")) == "YES" for header in headers),
            is_inverted=any(is_inverted(header) for header in headers),
        )


def as_text(origins: Sequence[Origin | None]) -> str:
    """Return the series of all sources as one text; None stands for a source without one."""
    return json.dumps([None if origin is None else asdict(origin) for origin in origins])


def from_text(text: str) -> list[Origin | None]:
    """Return the series that :func:`as_text` wrote; the first is that of the anatomical volume."""
    return [None if one is None else _from_dict(one) for one in json.loads(text)]


def _from_dict(values: dict[str, Any]) -> Origin:
    images = [Image(**image) for image in values["images"]]
    scales = [Scale(**scale) for scale in values["scales"]]
    return Origin(**{**values, "images": images, "scales": scales})


def _header(path: Path) -> pydicom.Dataset:
    with path.open("rb") as file:
        header = pydicom.dcmread(
            file,
            stop_before_pixels=True,
            force=True,
            specific_tags=[*_OF_THE_SERIES, *_OF_AN_IMAGE],
        )
        header.bytes_of_pixels = path.stat().st_size - file.tell()
    return header


def _as_json(headers: Sequence[pydicom.Dataset]) -> tuple[dict[str, Any], list[str]]:
    """Return the attributes of the series, each from the first image that tells it.

    Returns:
        Those with values that DICOM allows; the names of the others.
    """
    kept: dict[str, Any] = {}
    invalid = []
    for keyword in _OF_THE_SERIES[1:]:
        there = [header for header in headers if header.get(keyword) not in (None, "")]
        header = next(iter(there), headers[0])
        if keyword not in header:
            continue
        one = pydicom.Dataset()
        try:
            one[keyword] = header[keyword]
            _check_value(one[keyword])
            kept |= one.to_json_dict()
        except (ValueError, TypeError):
            invalid.append(keyword)
    return kept, invalid


def _check_value(element: pydicom.DataElement) -> None:
    """Refuse what objects must not hold.

    Raises:
        ValueError: likewise.
    """
    if element.VR == "SQ" or element.is_empty:
        return
    values = element.value if element.VM > 1 else [element.value]
    for value in values:
        validate_value(element.VR, str(value), RAISE)
        if str(value) not in _ENUMERATED.get(element.keyword, (str(value),)):
            raise ValueError


def _image(header: pydicom.Dataset) -> Image:
    return Image(
        sop_class=str(header.get("SOPClassUID", "")),
        uid=str(header.get("SOPInstanceUID", "")),
        corners=_corners(header),
    )


def _can_be_named(image: Image) -> bool:
    return all(uid and UID(uid).is_valid for uid in (image.sop_class, image.uid))


def _corners(header: pydicom.Dataset) -> list[list[float]]:
    place = [header.get(key) for key in ("ImagePositionPatient", "ImageOrientationPatient")]
    spacing = header.get("PixelSpacing")
    if int(header.get("NumberOfFrames", 1) or 1) > 1 or not all(place) or not spacing:
        return []
    position = np.array(place[0], float)
    along_row, along_column = np.array(place[1], float).reshape(2, 3)
    width = along_row * float(spacing[1]) * (int(header.Columns) - 1)
    height = along_column * float(spacing[0]) * (int(header.Rows) - 1)
    corners: NDArray[np.float64] = position + np.array([0 * width, width, height, width + height])
    return corners.round(3).tolist()


def _compressions(headers: Sequence[pydicom.Dataset]) -> tuple[list[float], list[str]]:
    """Return ratios and methods of lossy compressions: as written, else from the files."""
    for header in headers:
        syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
        is_lossy = str(header.get("LossyImageCompression", "")) == "01"
        if not is_lossy and syntax not in _LOSSY_METHODS:
            continue
        methods = _several(header.get("LossyImageCompressionMethod"))
        ratios = [float(ratio) for ratio in _several(header.get("LossyImageCompressionRatio"))]
        if not methods and syntax in _LOSSY_METHODS:
            methods = [_LOSSY_METHODS[syntax]]
            if not ratios:
                ratios = [round(_bytes_before(header) / max(header.bytes_of_pixels, 1), 2)]
        return ratios, [str(method) for method in methods]
    return [], []


def _several(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | float | int) else list(value)


def _bytes_before(header: pydicom.Dataset) -> float:
    pixels = int(header.get("Rows", 0)) * int(header.get("Columns", 0))
    frames = int(header.get("NumberOfFrames", 1) or 1)
    return pixels * frames * int(header.get("SamplesPerPixel", 1)) * header.BitsAllocated / 8
