"""A fused volume as one DICOM image a slice, which most viewers put in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from mactfusion.io.dicom.derived import decimal, derivation, shared_attributes, source_images
from mactfusion.io.dicom.pixels import add_pixels, full_window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mactfusion.io.dicom.derived import Making
    from mactfusion.io.dicom.origin import Image, Origin
    from mactfusion.io.dicom.planes import Planes


def single_images(planes: Planes, making: Making) -> Iterator[Dataset]:
    """Make one image of each plane.

    Grey is an MR or a CT image by the anatomical volume, colour a secondary capture that has the
    frame of reference and the attributes of a plane beside its own.

    Args:
        planes: the fused volume.
        making: how it came about.

    Yields:
        Data sets to be written, in the order of the planes.
    """
    shared = shared_attributes(making)
    _add_kind(shared, planes, making)
    shared.ImageOrientationPatient = [decimal(cosine) for cosine in planes.orientation]
    shared.PatientOrientation = planes.letters
    between_rows, between_columns, between_planes = planes.spacing_mm
    shared.PixelSpacing = [decimal(between_rows), decimal(between_columns)]
    shared.SliceThickness = shared.SpacingBetweenSlices = decimal(between_planes)
    shared.update(derivation(making))
    if not planes.is_color:
        shared.PresentationLUTShape = "IDENTITY"
        shared.update(full_window())
    for index, position in enumerate(planes.positions_mm):
        image = Dataset()
        image.update(shared)  # Dataset(shared) would be the same data under another name
        image.SOPInstanceUID = generate_uid(prefix=None)
        image.InstanceNumber = index + 1
        image.ImagePositionPatient = [decimal(mm) for mm in position]
        image.SliceLocation = decimal(position @ planes.normal)
        if not making.is_anonymous:
            sources = [each for one in making.sources for each in _within(one, planes, index)]
            if sources:
                image.SourceImageSequence = source_images(sources)
        add_pixels(image, planes.pixels[index])
        yield image


def _add_kind(image: Dataset, planes: Planes, making: Making) -> None:
    """Add the SOP class and what it alone asks for; values that are not known stay empty."""
    if not making.is_anonymous:
        image.ContentDate, image.ContentTime = making.date, making.time
    if planes.is_color or making.modality not in ("MR", "CT"):
        image.SOPClassUID = SecondaryCaptureImageStorage
        image.Modality, image.ConversionType = "OT", "WSD"
        image.ImageType = ["DERIVED", "SECONDARY"]
    elif making.modality == "CT":
        image.SOPClassUID = CTImageStorage
        image.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        image.KVP = image.AcquisitionNumber = None
        # Grey levels, and no Hounsfield units any more.
        image.RescaleIntercept, image.RescaleSlope, image.RescaleType = "0", "1", "US"
    else:
        image.SOPClassUID = MRImageStorage
        image.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        image.ScanningSequence, image.SequenceVariant = "RM", "NONE"
        image.ScanOptions = image.MRAcquisitionType = None
        image.RepetitionTime = image.EchoTime = image.EchoTrainLength = None


def _within(origin: Origin, planes: Planes, index: int) -> Iterator[Image]:
    """Images that a plane was computed from: those that it, or interpolation, can reach."""
    place = float(planes.positions_mm[index] @ planes.normal)
    reach_mm = max(origin.distance_mm, planes.spacing_mm[2])
    for image in origin.images:
        if image.corners:
            places = np.array(image.corners) @ planes.normal
            if not places.min() - reach_mm < place < places.max() + reach_mm:
                continue
        yield image
