"""DICOM output without a person in it, by the basic profile of PS3.15 Annex E.

Objects are made anew from a list of attributes. So anonymous output is not cleaned of a patient:
of the sources it gets nothing but voxels, the size of the voxels, and whether a compression lost
something. What follows is what the profile asks of the attributes that are written.
"""

from __future__ import annotations

import uuid

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from mactfusion.io.dicom.codes import coded

ACTIONS = {
    "PatientName": "dummy",
    "PatientID": "dummy",  # of each result another: one for all would join patients in an archive
    "PatientBirthDate": "empty",
    "PatientSex": "empty",
    "StudyInstanceUID": "new",
    "StudyDate": "empty",
    "StudyTime": "empty",
    "StudyID": "empty",
    "AccessionNumber": "empty",
    "ReferringPhysicianName": "empty",
    "SeriesInstanceUID": "new",
    "SeriesDate": "absent",
    "SeriesTime": "absent",
    "SOPInstanceUID": "new",
    "FrameOfReferenceUID": "new",
    "PositionReferenceIndicator": "empty",
    "InstanceCreationDate": "absent",
    "InstanceCreationTime": "absent",
    "AcquisitionDateTime": "absent",
    "ContentDate": "dummy",  # only where an object must have one
    "ContentTime": "dummy",
    "ContributionDateTime": "absent",
    "SourceImageSequence": "absent",  # or empty, where an object must have one
    "SourceImageEvidenceSequence": "absent",
    "PatientAge": "absent",
    "PatientSize": "absent",
    "PatientWeight": "absent",
    "StudyDescription": "absent",
    "BodyPartExamined": "absent",
    "InstitutionName": "absent",
    "StationName": "absent",
    "TimezoneOffsetFromUTC": "absent",
}
"""What Table E.1-1 asks, as this program does it. Descriptions (of the series, the derivation, the
image and the equipment) are sentences of this program, without anything of the sources (option
Clean Descriptors)."""

DUMMY_DATE, DUMMY_TIME = "20000101", "000000"


def anonymous_context() -> Dataset:
    """Return patient, study and frame of reference of nobody, other ones each time."""
    context = Dataset()
    context.PatientName = "Anonymous^Patient"
    context.PatientID = f"ANON-{uuid.uuid4().hex[:16].upper()}"
    context.StudyInstanceUID = generate_uid(prefix=None)
    context.FrameOfReferenceUID = generate_uid(prefix=None)
    context.PatientIdentityRemoved = "YES"
    context.DeidentificationMethod = "Made anew from a list of attributes: nothing of the sources"
    context.DeidentificationMethodCodeSequence = [
        coded(codes.cid7050.BasicApplicationConfidentialityProfile),
        coded(codes.cid7050.CleanDescriptorsOption),
    ]
    context.LongitudinalTemporalInformationModified = "REMOVED"
    return context
