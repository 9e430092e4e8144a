"""What the DICOM database of the application holds: patients, and series that could be fused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

OWN_MODEL = "MACTFusionSlicer"
"""ManufacturerModelName of what the library writes: results are no sources."""

_USED = ("MR", "CT", "PT", "NM")
_MODEL, _IMAGE_TYPE = "0008,1090", "0008,0008"


@dataclass(frozen=True)
class Patient:
    """A patient of the database; for the eyes of the reader, never for a log.

    Attributes:
        uid: by which the database knows the patient.
        name: as the module DICOM shows it, "" where it is not filled in.
        identifier: PatientID.
        born: date of birth as the database writes it.
        last_date: of the newest study, likewise.
        studies: how many.
    """

    uid: str
    name: str
    identifier: str
    born: str
    last_date: str
    studies: int


@dataclass(frozen=True)
class Series:
    """A series that could be fused.

    Attributes:
        uid: SeriesInstanceUID.
        study: StudyInstanceUID.
        kind: ``MR``, ``CT``, ``PT`` or ``NM``.
        description: of the series, "" where it is not filled in.
        date: of the series, else of the study, as YYYY-MM-DD; "" where it is not known.
        images: how many files.
        frame: FrameOfReferenceUID, "" where it is not filled in.
        is_derived: computed from others, as its ImageType says.
    """

    uid: str
    study: str
    kind: str
    description: str
    date: str
    images: int
    frame: str
    is_derived: bool


def how_to_open() -> str:
    """Say what to do where no database is open."""
    return _(
        "No DICOM database is open: open the module DICOM, choose a folder for the database there, "
        "import the patient's files, and come back."
    )


def patients_in(database: Any) -> list:
    """Return all patients, with the newest studies first.

    Args:
        database: an open one.
    """
    found = [_patient(database, uid) for uid in database.patients()]
    by_name = sorted(found, key=lambda patient: (patient.name.lower(), patient.identifier))
    return sorted(by_name, key=lambda patient: patient.last_date, reverse=True)


def series_of(database: Any, patient: str) -> list:
    """Return what of a patient could be fused: MR, CT, PET and SPECT that are on this computer.

    Localizers and results of this program are left out.

    Args:
        database: an open one.
        patient: see :class:`Patient`.
    """
    found = []
    for study in database.studiesForPatient(patient):
        date = _date(database.fieldForStudy("StudyDate", study))
        for uid in database.seriesForStudy(study):
            series = _series(database, study, uid, date)
            if series is not None:
                found.append(series)
    return found


def _patient(database: Any, uid: str) -> Patient:
    name = database.displayedNameForPatient(uid) or database.nameForPatient(uid)
    studies = database.studiesForPatient(uid)
    dates = [_date(database.fieldForStudy("StudyDate", study)) for study in studies]
    return Patient(
        uid=uid,
        name=name,
        identifier=database.fieldForPatient("PatientID", uid),
        born=_date(database.fieldForPatient("PatientsBirthDate", uid)),
        last_date=max(dates, default=""),
        studies=len(studies),
    )


def _series(database: Any, study: str, uid: str, study_date: str) -> Series | None:
    kind = database.fieldForSeries("Modality", uid)
    if kind not in _USED:
        return None
    files = [file for file in database.filesForSeries(uid) if file]  # others are on a server
    if not files or not Path(files[0]).is_file():
        return None
    image_type = database.fileValue(files[0], _IMAGE_TYPE).upper().split("\\")
    if "LOCALIZER" in image_type or database.fileValue(files[0], _MODEL) == OWN_MODEL:
        return None
    return Series(
        uid=uid,
        study=study,
        kind=kind,
        description=database.fieldForSeries("SeriesDescription", uid),
        date=_date(database.fieldForSeries("SeriesDate", uid)) or study_date,
        images=len(files),
        frame=database.fieldForSeries("FrameOfReferenceUID", uid),
        is_derived=image_type[0] == "DERIVED",
    )


def _date(told: str) -> str:
    """Return a date of DICOM, or of the database, as YYYY-MM-DD; others as they are."""
    text = told.strip()
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text
