"""A fused volume as one multi-frame DICOM object."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from mactfusion.io.dicom.codes import coded, region_of
from mactfusion.io.dicom.derived import decimal, derivation, shared_attributes, source_images
from mactfusion.io.dicom.pixels import add_pixels, full_window, srgb_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.derived import Making
    from mactfusion.io.dicom.origin import Origin
    from mactfusion.io.dicom.planes import Planes

ENHANCED_MR = UID("1.2.840.10008.5.1.4.1.1.4.1")
ENHANCED_MR_COLOR = UID("1.2.840.10008.5.1.4.1.1.4.3")
MULTI_FRAME_GREY = UID("1.2.840.10008.5.1.4.1.1.7.3")
MULTI_FRAME_COLOR = UID("1.2.840.10008.5.1.4.1.1.7.4")

_PER_FRAME_GROUPS = 0x52009230
_IMAGE_TYPE = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]


def multi_frame_image(planes: Planes, making: Making) -> Dataset:
    """Make one object of all planes.

    It is an enhanced MR image, of colour an enhanced MR color image, where the anatomical volume
    is MR; else a multi-frame secondary capture, whose frames have places in the patient too.

    Args:
        planes: the fused volume.
        making: how it came about.
    """
    image = shared_attributes(making)
    image.SOPInstanceUID = generate_uid(prefix=None)
    image.InstanceNumber = 1
    image.ContentDate, image.ContentTime = making.date, making.time
    is_mr = making.modality == "MR"
    if is_mr:
        _add_enhanced_mr(image, planes, making)
    else:
        _add_multi_frame_capture(image, planes)
    image.NumberOfFrames = len(planes.positions_mm)
    organization = generate_uid(prefix=None)
    image.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=organization)]
    image.DimensionOrganizationType = "3D"
    image.DimensionIndexSequence = [
        _item(
            DimensionOrganizationUID=organization,
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=0x00209111,
            DimensionDescriptionLabel=label,
        )
        for pointer, label in ((0x00209056, "Stack ID"), (0x00209057, "In-Stack Position Number"))
    ]
    image.SharedFunctionalGroupsSequence = [_shared_groups(planes, making, is_mr)]
    image.PerFrameFunctionalGroupsSequence = [
        _item(
            FrameContentSequence=[
                _item(
                    StackID="1",
                    InStackPositionNumber=number,
                    DimensionIndexValues=[1, number],
                )
            ],
            PlanePositionSequence=[_item(ImagePositionPatient=[decimal(mm) for mm in position])],
        )
        for number, position in enumerate(planes.positions_mm, 1)
    ]
    image.AcquisitionContextSequence = []
    add_pixels(image, planes.pixels)
    return image


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _add_enhanced_mr(image: Dataset, planes: Planes, making: Making) -> None:
    image.SOPClassUID = ENHANCED_MR_COLOR if planes.is_color else ENHANCED_MR
    image.Modality = "MR"
    image.ImageType = _IMAGE_TYPE
    image.update(_mr_description(planes))
    image.ContentQualification = "RESEARCH"
    # The standard asks it of originals alone, validators of every enhanced MR; what was computed
    # meets no safety standard of scanners.
    image.ApplicableSafetyStandardAgency = "OTHER"
    if "Laterality" in image:  # that of the frames stands in their groups (PS3.3 C.7.3.1)
        del image.Laterality
    image.PresentationLUTShape = "IDENTITY"
    if planes.is_color:
        image.ICCProfile = srgb_profile()
    image.LossyImageCompression = image.get("LossyImageCompression", "00")
    if not making.is_anonymous and (evidence := _evidence(making.sources)):
        image.SourceImageEvidenceSequence = evidence


def _mr_description(planes: Planes) -> Dataset:
    """Return what image and frame say alike (PS3.3 C.8.13.3.1)."""
    return _item(
        PixelPresentation="TRUE_COLOR" if planes.is_color else "MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        ComplexImageComponent="MAGNITUDE",
        AcquisitionContrast="UNKNOWN",
    )


def _add_multi_frame_capture(image: Dataset, planes: Planes) -> None:
    image.SOPClassUID = MULTI_FRAME_COLOR if planes.is_color else MULTI_FRAME_GREY
    image.Modality, image.ConversionType = "OT", "WSD"
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.FrameIncrementPointer = _PER_FRAME_GROUPS
    image.PatientOrientation = planes.letters
    if not planes.is_color:
        image.PresentationLUTShape = "IDENTITY"
        image.RescaleIntercept, image.RescaleSlope, image.RescaleType = "0", "1", "US"


def _shared_groups(planes: Planes, making: Making, is_mr: bool) -> Dataset:
    between_rows, between_columns, between_planes = planes.spacing_mm
    groups = _item(
        PixelMeasuresSequence=[
            _item(
                PixelSpacing=[decimal(between_rows), decimal(between_columns)],
                SliceThickness=decimal(between_planes),
                SpacingBetweenSlices=decimal(between_planes),
            )
        ],
        PlaneOrientationSequence=[
            _item(ImageOrientationPatient=[decimal(cosine) for cosine in planes.orientation])
        ],
    )
    images = [image for origin in making.sources for image in origin.images]
    if images and not making.is_anonymous:  # who asks for a derivation asks for its sources too
        groups.DerivationImageSequence = [derivation(making)]
        groups.DerivationImageSequence[0].SourceImageSequence = source_images(images)
    if not planes.is_color:
        groups.FrameVOILUTSequence = [full_window()]
    if is_mr:
        frame_type = _mr_description(planes)
        frame_type.FrameType = _IMAGE_TYPE
        groups.MRImageFrameTypeSequence = [frame_type]
        groups.FrameAnatomySequence = [
            _item(
                FrameLaterality="U",
                AnatomicRegionSequence=[coded(region_of(making.context.get("BodyPartExamined")))],
            )
        ]
        if not planes.is_color:
            groups.PixelValueTransformationSequence = [
                _item(RescaleIntercept="0", RescaleSlope="1", RescaleType="US")
            ]
    return groups


def _evidence(sources: Sequence[Origin]) -> list[Dataset]:
    """Name every source image within its series and study (PS3.3 Table 10-18)."""
    studies: dict[str, list[Dataset]] = defaultdict(list)
    for origin in sources:
        header = origin.header
        references = [
            _item(ReferencedSOPClassUID=image.sop_class, ReferencedSOPInstanceUID=image.uid)
            for image in origin.images
        ]
        if references:
            studies[str(header.StudyInstanceUID)].append(
                _item(
                    SeriesInstanceUID=str(header.SeriesInstanceUID),
                    ReferencedSOPSequence=references,
                )
            )
    return [
        _item(StudyInstanceUID=study, ReferencedSeriesSequence=series)
        for study, series in studies.items()
    ]
