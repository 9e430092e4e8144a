"""A Spatial Registration object: how the partners that were moved lie in the result's frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from mactfusion.io.dicom.codes import coded
from mactfusion.io.dicom.derived import decimal, own_object
from mactfusion.io.dicom.references import Named, add_references, named_images, reference
from mactfusion.registration.linear import in_lps, is_rigid, poses_of_moved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydicom.sr.coding import Code

    from mactfusion.io.dicom.derived import Making
    from mactfusion.io.dicom.origin import Origin
    from mactfusion.registration.linear import Matrix

SPATIAL_REGISTRATION = UID("1.2.840.10008.5.1.4.1.1.66.1")


@dataclass(frozen=True)
class Moved:
    """A partner that was moved.

    Attributes:
        role: its name in the record.
        origin: its series.
        pose: 4x4, RAS+ millimetres, from a point of the anatomical volume to that of the partner.
        is_by_images: found by comparing the images, and not given alone.
    """

    role: str
    origin: Origin
    pose: Matrix
    is_by_images: bool


def moved_series(
    partners: Sequence[Mapping[str, Any]], origins: Mapping[str, Origin | None], register: Any
) -> list[Moved]:
    """Return each partner that was moved and whose images can be named.

    Args:
        partners: see :func:`mactfusion.transforms.join.described`.
        origins: the series of each partner by its role, None where it is none.
        register: by its role what was asked of each, see the option.
    """
    moved = []
    for role, pose in sorted(poses_of_moved(partners).items()):
        origin = origins.get(role)
        if origin is not None and _can_be_named(origin):
            moved.append(Moved(role, origin, pose, register[role] in ("rigid", "affine")))
    return moved


def without_object(
    partners: Sequence[Mapping[str, Any]],
    origins: Mapping[str, Origin | None],
    is_anonymous: bool,
) -> list[str]:
    """Say of each partner that was moved and is in no such object why.

    Args:
        partners: see :func:`moved_series`.
        origins: likewise.
        is_anonymous: nothing of the sources is told.
    """
    names = {partner["input"]: partner["name"] for partner in partners}
    sentences = []
    for role in sorted(poses_of_moved(partners)):
        origin = origins.get(role)
        if is_anonymous:
            reason = "an anonymous result names no images of the patient"
        elif origin is None:
            reason = "it is no DICOM series"
        elif not _can_be_named(origin):
            reason = "its images have no identifiers"
        else:
            continue
        sentences.append(
            f"No Spatial Registration object says where {names[role]} was moved, because {reason}; "
            "the transform file beside the result does."
        )
    return sentences


def _can_be_named(origin: Origin) -> bool:
    header = origin.header
    known = [header.get("StudyInstanceUID"), header.get("SeriesInstanceUID")]
    return all(known) and all(image.uid and image.sop_class for image in origin.images)


def spatial_registration(
    making: Making, anatomical: Origin | None, moved: Sequence[Moved]
) -> Dataset:
    """Make the object (PS3.3 A.39.1).

    Its frame of reference is that of the result. Each matrix leads from a point of a series to the
    point of that frame which shows the same; the anatomical series, where there is one, has the
    first, which changes nothing.

    Args:
        making: how the result came about.
        anatomical: the anatomical series.
        moved: the partners that were moved.
    """
    description = "Where the partners of a fusion were moved"
    made = own_object(making, SPATIAL_REGISTRATION, "REG", "REGISTRATION", description)
    made.ContentDate, made.ContentTime = making.date, making.time
    own = str(made.FrameOfReferenceUID)
    items, others = [], []
    if anatomical is not None and _can_be_named(anatomical):
        items.append(_item(own, anatomical, np.eye(4), codes.cid7100.FrameOfReferenceIdentity))
        others += named_images(anatomical, anatomical.images)
    for one in moved:
        frame = str(one.origin.header.get("FrameOfReferenceUID") or "")
        how = codes.cid7100.ImageContentBasedAlignment if one.is_by_images else None
        # A frame is nowhere but in its own place: images of it that were moved are named alone.
        named_frame = "" if frame == own else frame
        items.append(
            _item(named_frame, one.origin, np.linalg.inv(one.pose).astype(np.float64), how)
        )
        others += named_images(one.origin, one.origin.images)
    made.RegistrationSequence = items
    add_references(made, others)
    return made


def as_named(made: Dataset) -> Named:
    """Return such an object as one that another names."""
    return Named(
        str(made.StudyInstanceUID),
        str(made.SeriesInstanceUID),
        str(made.SOPClassUID),
        str(made.SOPInstanceUID),
    )


def _item(frame: str, origin: Origin, matrix: Matrix, how: Code | None) -> Dataset:
    """Return an item of Registration Sequence (PS3.3 C.20.2).

    Args:
        frame: the frame of reference that the matrix leads from; "" where the images alone tell.
        origin: the series.
        matrix: 4x4, RAS+ millimetres, into the frame of the object.
        how: what told it.
    """
    values = Dataset()
    # Adding 0 makes -0 of it 0.
    values.FrameOfReferenceTransformationMatrix = [
        decimal(number) for number in (in_lps(matrix) + 0.0).ravel()
    ]
    values.FrameOfReferenceTransformationMatrixType = "RIGID" if is_rigid(matrix) else "AFFINE"
    registration = Dataset()
    registration.RegistrationTypeCodeSequence = [] if how is None else [coded(how)]
    registration.MatrixSequence = [values]
    item = Dataset()
    if frame:
        item.FrameOfReferenceUID = frame
    item.ReferencedImageSequence = [
        reference(image.sop_class, image.uid) for image in origin.images
    ]
    item.MatrixRegistrationSequence = [registration]
    return item
