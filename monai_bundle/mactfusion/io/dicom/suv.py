"""Standardized uptake value by body weight, from the header of a PET series.

SUVbw = Bq/ml x weight in g / dose in Bq, the dose decayed to the time that the values were decayed
to. After the pseudo code of the Quantitative Imaging Biomarkers Alliance (FDG-PET/CT profile,
https://qibawiki.rsna.org/index.php/Standardized_Uptake_Value_(SUV)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mactfusion.io.dicom.classic import comparable
from mactfusion.io.dicom.nuclides import fits, nuclide_of
from mactfusion.io.dicom.place import first_item, number
from mactfusion.io.dicom.uptake import NoUptakeError, uptake_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom import Dataset

COUNT_SCALES = ("(7053,1000)", "(7053,1009)")
"""Philips's factors from counts to SUV and to Bq/ml."""

_PHILIPS_PET = "Philips PET Private Group"
_DRUGS = "RadiopharmaceuticalInformationSequence"
_DRUG_NUMBERS = ("RadionuclideTotalDose", "RadionuclideHalfLife")
_NUMBERS = ("PatientWeight", *_DRUG_NUMBERS, *COUNT_SCALES)
_SAME_NUMBER = 1e-6
"""Share of a number: one that went through 32 bits is the same."""
_DRUG_TIMES = ("RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime")
_WEIGHTS_KG = (0.5, 400.0)
_DOSES_BQ = (1e6, 1e10)
"""Of patients; a usual dose in kBq or MBq lies below."""


@dataclass(frozen=True)
class Suv:
    """How values become SUVbw.

    Attributes:
        factor: values times this are SUVbw; None where the header does not suffice.
        source: from what, for the record; or why not, to stand after "because".
        sentences: what is to be said.
    """

    factor: float | None
    source: str
    sentences: tuple[str, ...] = ()


def told_by(header: Dataset) -> dict[str, Any]:
    """Return what the header of each image of a series must say alike, by the names of the tags."""
    drug = first_item(header, _DRUGS)
    told: dict[str, Any] = {
        "PatientWeight": number(header, "PatientWeight"),
        "DecayCorrection": _term(header, "DecayCorrection"),
        "SUVType": _term(header, "SUVType"),
        _DRUGS: len(header.get(_DRUGS) or ()),
    }
    if drug is not None:
        told |= {name: number(drug, name) for name in _DRUG_NUMBERS}
        told |= {name: comparable(drug.get(name)) for name in _DRUG_TIMES}
    return told | {name: _count_scale(header, name) for name in COUNT_SCALES}


def differences(told: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, str]:
    """Compare what `told_by` returns of two images.

    Returns:
        For each name how the two differ, to stand after it.
    """
    found = {}
    for name in {**told, **other}:
        first, second = told.get(name), other.get(name)
        if not first and not second:
            continue
        if not first or not second:
            found[name] = "is missing in some of its slices"
        elif name in _NUMBERS and math.isclose(first, second, rel_tol=_SAME_NUMBER):
            continue
        elif first != second:
            found[name] = "differs between its slices"
    return found


def suv_of(header: Dataset, units: str, differing: Mapping[str, str] | None = None) -> Suv:
    """Find out how the values of a PET series become SUVbw.

    Args:
        header: of the image that was acquired first, whole.
        units: of the values, as DICOM's term of Units.
        differing: what `differences` found between its images.
    """
    differing = differing or {}
    units = units.strip().upper()
    if units in ("GML", "SUV"):
        if "SUVType" in differing:
            return Suv(None, f"its SUVType {differing['SUVType']}")
        kind = _term(header, "SUVType") or "BW"
        if kind != "BW":
            return Suv(None, f"its SUV are by another measure than body weight (SUVType {kind})")
        return Suv(1.0, f"stored as SUVbw (units {units})")
    if units == "CNTS":
        return _from_counts(header, differing)
    if units != "BQML":
        return Suv(None, f"its units are {units or 'not given'}")
    return _from_activity(header, 1.0, "Bq/ml", differing)


def _from_counts(header: Dataset, differing: Mapping[str, str]) -> Suv:
    """Philips stores counts, and a factor to SUV or to Bq/ml beside them."""
    to_suv, to_activity = (_count_scale(header, name) for name in COUNT_SCALES)
    if to_suv > 0:
        return Suv(to_suv, "counts times the scanner's own SUV scale factor (7053,1000)")
    if to_activity > 0:
        source = "counts times (7053,1009) in Bq/ml"
        return _from_activity(header, to_activity, source, differing)
    return Suv(None, "its units are counts, and the scale factors (7053,1000) and (7053,1009) miss")


def _from_activity(header: Dataset, scale: float, source: str, differing: Mapping[str, str]) -> Suv:
    drug = first_item(header, _DRUGS)
    weight_kg = number(header, "PatientWeight")
    dose_bq, half_life_s = (0.0 if drug is None else number(drug, name) for name in _DRUG_NUMBERS)
    correction = _term(header, "DecayCorrection")
    obstacle = (
        _differs(differing)
        or _missing(weight_kg, dose_bq, half_life_s, correction)
        or _several(header)
        or _unlikely(weight_kg, dose_bq)
        or _uncorrected(header, correction)
    )
    if obstacle or drug is None:
        return Suv(None, obstacle)
    at_injection = scale * weight_kg * 1000 / dose_bq
    if correction == "ADMIN":
        return Suv(
            at_injection,
            f"{source}, decayed to the injection (ADMIN), with dose and weight of the header",
        )
    nuclide = nuclide_of(drug)
    if not fits(half_life_s, nuclide):
        whose = f"not that of {nuclide}" if nuclide else "that of no nuclide of PET"
        return Suv(None, f"its RadionuclideHalfLife of {half_life_s:g} is {whose} in seconds")
    try:
        uptake = uptake_of(header, drug, half_life_s)
    except NoUptakeError as error:
        return Suv(None, str(error))
    return Suv(
        at_injection * 2 ** (uptake.seconds / half_life_s),
        f"{source}, decayed to {uptake.clock} (START), with dose, half-life, injection time and"
        " weight of the header",
        uptake.sentences,
    )


def _differs(differing: Mapping[str, str]) -> str:
    names = [name for name in differing if name not in (*COUNT_SCALES, "SUVType")]
    return f"its {names[0]} {differing[names[0]]}" if names else ""


def _missing(weight_kg: float, dose_bq: float, half_life_s: float, correction: str) -> str:
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
    return f"its header lacks {', '.join(missing)}" if missing else ""


def _several(header: Dataset) -> str:
    count = len(header.get(_DRUGS) or ())
    return f"its header names {count} radiopharmaceuticals" if count > 1 else ""


def _unlikely(weight_kg: float, dose_bq: float) -> str:
    if not _WEIGHTS_KG[0] <= weight_kg <= _WEIGHTS_KG[1]:
        return "its PatientWeight is no weight of a patient in kg"
    if not _DOSES_BQ[0] <= dose_bq <= _DOSES_BQ[1]:
        return f"its RadionuclideTotalDose of {dose_bq:g} is no dose of PET in Bq"
    return ""


def _uncorrected(header: Dataset, correction: str) -> str:
    value = header.get("CorrectedImage") or ()
    values = [value] if isinstance(value, str) else value
    corrected = {str(each).strip().upper() for each in values}
    if corrected and not {"ATTN", "DECY"} <= corrected:
        lacking = " and ".join(sorted({"ATTN", "DECY"} - corrected))
        return f"its values are not corrected for {lacking} (CorrectedImage)"
    if correction not in ("START", "ADMIN"):
        return f"its values are not corrected for decay (DecayCorrection {correction})"
    return ""


def _term(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "").strip().upper()


def _count_scale(header: Dataset, name: str) -> float:
    """Return one of `COUNT_SCALES`, which may be text or bytes; 0 where there is none."""
    try:
        value = header.private_block(0x7053, _PHILIPS_PET)[int(name[-3:-1], 16)].value
        text = value.decode() if isinstance(value, bytes) else str(value)
        found = float(text.strip(" \0"))
    except (KeyError, ValueError):
        return 0.0
    return found if 0 < found < float("inf") else 0.0
