"""Standardized uptake value by body weight, from the header of a PET series.

SUVbw = Bq/ml x weight in g / dose in Bq, the dose decayed to the time that the values were decayed
to. After the pseudo code of the Quantitative Imaging Biomarkers Alliance (FDG-PET/CT profile,
https://qibawiki.rsna.org/index.php/Standardized_Uptake_Value_(SUV)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mactfusion.io.dicom.place import first_item, number

if TYPE_CHECKING:
    from pydicom import Dataset

_GE_PET, _GE_SCAN_TIME = "GEMS_PETD_01", 0x0D
_PHILIPS_PET, _SUV_SCALE, _ACTIVITY_SCALE = "Philips PET Private Group", 0x00, 0x09
_LEAST_DOSE_BQ = 1e5
_LONGEST = timedelta(hours=24)


@dataclass(frozen=True)
class Suv:
    """How values become SUVbw.

    Attributes:
        factor: values times this are SUVbw; None where the header does not suffice.
        source: from what, for the record; or what is missing, to stand after "because".
    """

    factor: float | None
    source: str


def suv_of(header: Dataset, units: str) -> Suv:
    """Find out how the values of a PET series become SUVbw.

    Args:
        header: of the image that was acquired first, whole.
        units: of the values, as DICOM's term of Units.
    """
    units = units.strip().upper()
    if units in ("GML", "SUV"):
        kind = str(header.get("SUVType") or "BW").strip().upper()
        if kind != "BW":
            return Suv(None, f"its SUV are by another measure than body weight (SUVType {kind})")
        return Suv(1.0, f"stored as SUVbw (units {units})")
    if units == "CNTS":
        return _from_counts(header)
    if units != "BQML":
        return Suv(None, f"its units are {units or 'not given'}")
    return _from_activity(header, 1.0, "Bq/ml")


def _from_counts(header: Dataset) -> Suv:
    """Philips stores counts, and a factor to SUV or to Bq/ml beside them."""
    scale = _private(header, 0x7053, _PHILIPS_PET, _SUV_SCALE)
    if scale:
        return Suv(scale, "counts times the scanner's own SUV scale factor (7053,1000)")
    scale = _private(header, 0x7053, _PHILIPS_PET, _ACTIVITY_SCALE)
    if scale:
        return _from_activity(header, scale, "counts times (7053,1009) in Bq/ml")
    return Suv(None, "its units are counts, and the scale factors (7053,1000) and (7053,1009) miss")


def _from_activity(header: Dataset, scale: float, source: str) -> Suv:
    drug = first_item(header, "RadiopharmaceuticalInformationSequence")
    weight_kg = number(header, "PatientWeight")
    dose_bq = 0.0 if drug is None else number(drug, "RadionuclideTotalDose")
    half_life_s = 0.0 if drug is None else number(drug, "RadionuclideHalfLife")
    correction = str(header.get("DecayCorrection") or "").strip().upper()
    missing = [
        name
        for name, is_there in (
            ("PatientWeight", weight_kg > 0),
            ("RadionuclideTotalDose", dose_bq > 0),
            ("RadionuclideHalfLife", half_life_s > 0 or correction == "ADMIN"),
            ("DecayCorrection", bool(correction)),
        )
        if not is_there
    ]
    if missing:
        return Suv(None, f"its header lacks {', '.join(missing)}")
    if dose_bq < _LEAST_DOSE_BQ:
        return Suv(None, f"its RadionuclideTotalDose of {dose_bq:g} is no dose in Bq")
    corrected = {str(each).strip().upper() for each in header.get("CorrectedImage") or ()}
    if corrected and not {"ATTN", "DECY"} <= corrected:
        lacking = " and ".join(sorted({"ATTN", "DECY"} - corrected))
        return Suv(None, f"its values are not corrected for {lacking} (CorrectedImage)")
    if correction == "ADMIN":
        return Suv(
            scale * weight_kg * 1000 / dose_bq,
            f"{source}, decayed to the injection (ADMIN), with dose and weight of the header",
        )
    if correction != "START":
        return Suv(None, f"its values are not corrected for decay (DecayCorrection {correction})")
    injected, scanned, clock = _times(header, drug)
    if injected is None:
        return Suv(None, "its header has no RadiopharmaceuticalStartTime or StartDateTime")
    if scanned is None:
        return Suv(None, "its header has no SeriesTime and no AcquisitionTime")
    waited = scanned - injected
    if not timedelta(0) <= waited <= _LONGEST:
        return Suv(None, "its injection does not lie in the day before the scan")
    decayed_bq = dose_bq * 2 ** (-waited.total_seconds() / half_life_s)
    return Suv(
        scale * weight_kg * 1000 / decayed_bq,
        f"{source}, decayed to {clock} (START), with dose, half-life, injection time and weight of"
        " the header",
    )


def _times(header: Dataset, drug: Any) -> tuple[datetime | None, datetime | None, str]:
    """Return when the tracer was injected and to when values were decayed, and what says so."""
    scanned, clock = _decayed_to(header)
    injected = _moment_of_text(str(drug.get("RadiopharmaceuticalStartDateTime") or ""))
    is_likely = injected and scanned and timedelta(0) <= scanned - injected <= _LONGEST
    of_day = drug.get("RadiopharmaceuticalStartTime")
    if not is_likely and scanned is not None and of_day not in (None, ""):
        # dates that were changed to hide the patient leave the time of day
        injected = _moment(scanned.strftime("%Y%m%d"), of_day)
        if injected is not None and injected > scanned:  # over midnight
            injected -= timedelta(days=1)
    return injected, scanned, clock


def _decayed_to(header: Dataset) -> tuple[datetime | None, str]:
    """Return the start of the scan, to which values with DecayCorrection START are decayed."""
    series = _moment(header.get("SeriesDate") or header.get("StudyDate"), header.get("SeriesTime"))
    acquired = _moment(
        header.get("AcquisitionDate") or header.get("SeriesDate"), header.get("AcquisitionTime")
    )
    if series is not None and (acquired is None or series <= acquired):
        return series, "the series time"
    # a series that was made or sent again has a later time
    private = _moment_of_text(_private_text(header, 0x0009, _GE_PET, _GE_SCAN_TIME))
    if private is not None:
        return private, "the scanner's own scan time (0009,100D)"
    if acquired is None:
        return None, ""
    reference_s = number(header, "FrameReferenceTime") / 1000
    if reference_s <= 0:
        return acquired, "the acquisition time"
    drug = first_item(header, "RadiopharmaceuticalInformationSequence")
    half_life_s = 0.0 if drug is None else number(drug, "RadionuclideHalfLife")
    decay = math.log(2) * number(header, "ActualFrameDuration") / 1000 / half_life_s
    middle_s = 0.0
    if decay > 0:  # when the count rate was its mean over the frame
        middle_s = half_life_s / math.log(2) * math.log(decay / -math.expm1(-decay))
    start = acquired + timedelta(seconds=middle_s - reference_s)
    return start, "the acquisition time less the frame reference time"


def _moment(date: Any, time: Any) -> datetime | None:
    if not date or time in (None, ""):
        return None
    return _moment_of_text(f"{str(date).strip().replace('.', '')}{str(time).strip()}")


def _moment_of_text(text: str) -> datetime | None:
    """Read YYYYMMDDHHMMSS.FFFFFF; a zone behind it, equal in all of a header, is left out."""
    for sign in "+-":
        text = text.partition(sign)[0]
    whole, _, fraction = text.strip().replace(":", "").partition(".")
    try:
        moment = datetime.strptime(whole.ljust(14, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return None
    return moment + timedelta(seconds=float(f"0.{fraction or 0}"))


def _private(header: Dataset, group: int, creator: str, element: int) -> float:
    try:
        return number_of(header.private_block(group, creator)[element].value)
    except KeyError:
        return 0.0


def _private_text(header: Dataset, group: int, creator: str, element: int) -> str:
    try:
        return str(header.private_block(group, creator)[element].value)
    except KeyError:
        return ""


def number_of(value: Any) -> float:
    """Turn a private value, which may be text or bytes, into a number; 0 where it is none."""
    try:
        return float(value.decode() if isinstance(value, bytes) else value)
    except (TypeError, ValueError):
        return 0.0
