"""What every image of a fused series says: whose it is, where it came from, how it was made."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid
from pydicom.valuerep import format_number_as_ds

from mactfusion import __version__
from mactfusion.io.dicom.anonymous import DUMMY_DATE, DUMMY_TIME, anonymous_context
from mactfusion.io.dicom.codes import coded, may_have_side
from mactfusion.io.dicom.origin import BODY, EQUIPMENT, FRAME_OF_REFERENCE, PATIENT, STUDY, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mactfusion.io.dicom.origin import Image

NOT_FOR_DIAGNOSIS = "Computed from other images; not for diagnostic use"

MANUFACTURER = MODEL = "MACTFusionSlicer"

_SOFTWARE = ("mactfusion", "torch", "monai")
"""Of the record's versions those that are named."""

_OWN_CODES = "99MACTFUSION"

_OWN_SERIES_NUMBERS = 9000
"""Added to the number of the anatomical series, so that the result stands behind it."""

_LARGEST_NUMBER = 2**31 - 1
_LONGEST_DESCRIPTION = 64


@dataclass(frozen=True)
class Making:
    """One fusion, as its DICOM objects tell of it.

    Attributes:
        context: whose image it is: patient, study, frame of reference.
        record: see :mod:`mactfusion.record`.
        sources: the series of the anatomical volume and of each partner that is DICOM.
        modality: that of the anatomical volume, "MR", "CT" or "OT".
        is_anonymous: nothing of the sources is told.
        series_uid: that of the new series.
        now: its time.
    """

    context: Dataset
    record: Mapping[str, Any]
    sources: Sequence[Origin]
    modality: str
    is_anonymous: bool
    series_uid: str
    now: datetime

    @property
    def series_number(self) -> int:
        """It stands behind the anatomical series."""
        return _OWN_SERIES_NUMBERS + int(self.context.get("SeriesNumber", 1))

    @property
    def date(self) -> str:
        """Of the content, as DICOM writes it."""
        return DUMMY_DATE if self.is_anonymous else self.now.strftime("%Y%m%d")

    @property
    def time(self) -> str:
        """Likewise."""
        return DUMMY_TIME if self.is_anonymous else self.now.strftime("%H%M%S")

    @property
    def description(self) -> str:
        """Of the derivation: without names of persons or files."""
        record = self.record
        return (
            f"Fused from {_listed(record['task'])} by MACTFusionSlicer "
            f"{record['versions']['mactfusion']}: network "
            f"{record['options']['model']}, weights SHA-256 {record['weights']['sha256']}. "
            "Not for diagnostic use."
        )


def making_of(
    record: Mapping[str, Any],
    origins: Sequence[Origin | None],
    owner: Origin | None,
    modality: str,
) -> Making:
    """Gather what the objects of one result share.

    Args:
        record: see :mod:`mactfusion.record`.
        origins: the series of the anatomical volume and of each partner, None where it is none.
        owner: whose patient, study and frame of reference are taken; None for nobody's.
        modality: that of the anatomical volume.
    """
    return Making(
        context=anonymous_context() if owner is None else _context_of(owner),
        record=record,
        sources=[origin for origin in origins if origin is not None],
        modality=modality,
        is_anonymous=owner is None,
        series_uid=generate_uid(prefix=None),
        now=datetime.now(),
    )


def _context_of(owner: Origin) -> Dataset:
    header, context = owner.header, Dataset()
    for keyword in (*PATIENT, *STUDY, *FRAME_OF_REFERENCE, *BODY):
        if keyword in header:
            context.add(header[keyword])
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
        if not context.get(keyword):
            setattr(context, keyword, generate_uid(prefix=None))
    number = header.get("SeriesNumber")
    if number is not None and 0 <= int(number) <= _LARGEST_NUMBER - _OWN_SERIES_NUMBERS:
        context.SeriesNumber = int(number)
    return context


def own_attributes(making: Making) -> Dataset:
    """Return what every object of a result says: whose it is, and who made it when."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    _add_context(made, making)
    made.SeriesNumber = making.series_number
    description = f"Fused {_listed(making.record['task'])}, not for diagnosis"
    made.SeriesDescription = description[:_LONGEST_DESCRIPTION]
    if not making.is_anonymous:
        made.SeriesDate = made.InstanceCreationDate = making.date
        made.SeriesTime = made.InstanceCreationTime = making.time
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, MODEL
    made.SoftwareVersions = made.DeviceSerialNumber = __version__
    made.ContributingEquipmentSequence = list(_equipment(making))
    return made


def own_object(
    making: Making, sop_class: str, modality: str, label: str, description: str
) -> Dataset:
    """Return an object that is no image: a series of its own, with what it is for.

    Args:
        making: see :class:`Making`.
        sop_class: its UID.
        modality: "PR", "REG", …
        label: a code string.
        description: for people.
    """
    made = own_attributes(making)
    del made.PatientPosition  # of images alone
    made.SOPClassUID = sop_class
    made.SOPInstanceUID = generate_uid(prefix=None)
    made.SeriesInstanceUID = generate_uid(prefix=None)
    made.Modality = modality
    made.InstanceNumber = 1
    made.ContentLabel = label
    made.ContentDescription = description
    made.ContentCreatorName = None
    return made


def shared_attributes(making: Making) -> Dataset:
    """Return what all images of a result have in common, but for pixels and places."""
    image = own_attributes(making)
    image.Modality = making.modality
    image.SeriesInstanceUID = making.series_uid
    scheme = Dataset()
    scheme.CodingSchemeDesignator = _OWN_CODES
    scheme.CodingSchemeName = scheme.CodingSchemeResponsibleOrganization = MANUFACTURER
    image.CodingSchemeIdentificationSequence = [scheme]
    image.ImageComments = NOT_FOR_DIAGNOSIS
    has_text = any(origin.has_text for origin in making.sources)
    image.BurnedInAnnotation = "YES" if has_text else "NO"
    _add_losses(image, making.sources)
    return image


def _add_context(image: Dataset, making: Making) -> None:
    for keyword in (
        "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
        "StudyID", "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator",
        "PatientPosition", "Laterality",
    ):  # fmt: skip
        setattr(image, keyword, None)
    for element in making.context:
        is_sequence = element.VR == "SQ"  # copied, so that no object changes another
        value = [copy.deepcopy(item) for item in element.value] if is_sequence else element.value
        image.add_new(element.tag, element.VR, value)
    if not may_have_side(image.get("BodyPartExamined")):
        del image.Laterality


def _listed(task: str) -> str:
    """Return a task as people say it, such as "CT + MRI"."""
    return " + ".join(dict.fromkeys(task.upper().replace(" + ", "-").split("-")))


def _equipment(making: Making) -> Iterable[Dataset]:
    for origin in () if making.is_anonymous else making.sources:
        header, item = origin.header, Dataset()
        item.PurposeOfReferenceCodeSequence = [coded(codes.cid7005.AcquisitionEquipment)]
        for keyword in EQUIPMENT:
            if header.get(keyword):
                item.add(header[keyword])
        if "Manufacturer" in item:
            yield item
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(codes.cid7005.ProcessingEquipment)]
    item.Manufacturer, item.ManufacturerModelName = MANUFACTURER, MODEL
    versions = making.record["versions"]
    item.SoftwareVersions = [f"{name} {versions[name]}" for name in _SOFTWARE]
    if not making.is_anonymous:
        item.ContributionDateTime = making.date + making.time
    item.ContributionDescription = making.description
    yield item


def _add_losses(image: Dataset, sources: Sequence[Origin]) -> None:
    """Say what compressions lost before: it is lost in the result too (PS3.3 C.7.6.1.1.5)."""
    lossy = [origin for origin in sources if origin.lossy == "01"]
    if lossy:
        image.LossyImageCompression = "01"
        methods = [method for origin in lossy for method in origin.lossy_methods]
        ratios = [ratio for origin in lossy for ratio in origin.lossy_ratios]
        if methods:
            image.LossyImageCompressionMethod = methods
        if ratios:
            image.LossyImageCompressionRatio = [decimal(ratio) for ratio in ratios]
    elif sources and all(origin.lossy == "00" for origin in sources):
        image.LossyImageCompression = "00"


def derivation(making: Making) -> Dataset:
    """Return description and code of how the result was derived."""
    item = Dataset()
    item.DerivationDescription = making.description
    item.DerivationCodeSequence = [coded(codes.cid7203.SpatialResampling)]
    fused = Dataset()
    fused.CodeValue, fused.CodingSchemeDesignator = "FUSION", _OWN_CODES
    fused.CodeMeaning = "Fusion of volumes by a neural network"
    item.DerivationCodeSequence.append(fused)
    return item


def source_images(images: Iterable[Image]) -> list[Dataset]:
    """Return items of Source Image Sequence."""
    items = []
    for image in images:
        item = Dataset()
        item.ReferencedSOPClassUID = image.sop_class
        item.ReferencedSOPInstanceUID = image.uid
        item.PurposeOfReferenceCodeSequence = [
            coded(codes.cid7202.SourceImageForImageProcessingOperation)
        ]
        items.append(item)
    return items


def decimal(number: float) -> str:
    """Return a number with as many digits as DICOM's decimal strings hold: 16 characters."""
    return format_number_as_ds(float(number))
