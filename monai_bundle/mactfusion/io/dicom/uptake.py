"""How long a tracer had been in the patient at the time to which the values of PET are decayed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mactfusion.io.dicom.place import number

if TYPE_CHECKING:
    from pydicom import Dataset

_GE_PET, _GE_SCAN_TIME = "GEMS_PETD_01", 0x0D
_HALF_LIVES = 5
"""After so many half-lives 3 % of a tracer are left, and nobody is scanned."""
_SCANNED_BEFORE = timedelta(minutes=5)
"""So long before its injection a dynamic scan may begin."""
_SAME = timedelta(minutes=1)
_ROUNDING = 0.02
"""Share of a half-life."""
_DAY = timedelta(days=1)
_DATED, _OF_DAY = "RadiopharmaceuticalStartDateTime", "RadiopharmaceuticalStartTime"


class NoUptakeError(Exception):
    """The time is not known. The message stands after "because"."""


@dataclass(frozen=True)
class Uptake:
    """The time between an injection and a scan.

    Attributes:
        seconds: below zero where the scan began first.
        clock: what says to when the values are decayed.
        sentences: what was found out and is to be said.
    """

    seconds: float
    clock: str
    sentences: tuple[str, ...]


def uptake_of(header: Dataset, drug: Dataset, half_life_s: float) -> Uptake:
    """Find out the time from the injection to the start of the scan.

    Args:
        header: of the image that was acquired first, whole; its DecayCorrection is START.
        drug: its item of RadiopharmaceuticalInformationSequence.
        half_life_s: of the nuclide.

    Raises:
        NoUptakeError: a time is missing, or two do not fit each other.
    """
    scanned, clock = _decayed_to(header, half_life_s)
    injected, sentence = _injected(header, drug, scanned, half_life_s)
    sentences = [sentence] if sentence else []
    if injected > scanned:
        _refuse_old_time(header, injected, scanned, half_life_s, clock)
        sentences.append(
            f"its injection is noted {_told(injected - scanned)} after the start of its scan, as in"
            " a dynamic scan"
        )
    return Uptake((scanned - injected).total_seconds(), clock, tuple(sentences))


def _injected(
    header: Dataset, drug: Dataset, scanned: datetime, half_life_s: float
) -> tuple[datetime, str]:
    """Return the moment of injection on the clock of the scan, and what is to be said of it."""
    dated, of_day = _text(drug, _DATED), _text(drug, _OF_DAY)
    if not dated and not of_day:
        raise NoUptakeError(f"its header has no {_OF_DAY} or {_DATED}")
    on_that_day = _moment(f"{scanned:%Y%m%d}{of_day}") if of_day else None
    if of_day and on_that_day is None and not dated:
        raise NoUptakeError(f"its {_OF_DAY} is no time of a day in hours and minutes")
    moment = _on_clock_of(header, dated, on_that_day, half_life_s) if dated else None
    if moment is not None and _is_likely(scanned - moment, half_life_s):
        if on_that_day is not None and not _is_one_clock(moment, on_that_day, half_life_s):
            raise NoUptakeError(f"its {_DATED} and {_OF_DAY} differ")
        return moment, ""
    if on_that_day is not None:
        injected, sentence = _on_likely_day(on_that_day, scanned, half_life_s)
        if moment is not None:  # dates that were changed to hide the patient leave the time of day
            sentence = f"its {_DATED} does not fit its scan; its {_OF_DAY} was taken"
        return injected, sentence
    if moment is not None:
        raise NoUptakeError(_unlikely(scanned - moment))
    raise NoUptakeError(f"its {_DATED} is no date and time")


def _on_likely_day(
    on_that_day: datetime, scanned: datetime, half_life_s: float
) -> tuple[datetime, str]:
    """Find the one day on which an injection at a time of day fits a scan."""
    days = [on_that_day + days * _DAY for days in (-2, -1, 0, 1)]
    likely = [day for day in days if _is_likely(scanned - day, half_life_s)]
    if not likely:
        raise NoUptakeError(_unlikely(scanned - on_that_day))
    if len(likely) > 1:
        raise NoUptakeError(
            f"its {_OF_DAY} names no day, and its nuclide lives long enough for several"
        )
    injected = likely[0]
    if injected >= on_that_day:
        return injected, ""
    return injected, (
        "its injection is noted later in the day than its scan, and was taken to be on the day"
        " before"
    )


def _on_clock_of(
    header: Dataset, dated: str, on_that_day: datetime | None, half_life_s: float
) -> datetime | None:
    """Read RadiopharmaceuticalStartDateTime; None where it, or its zone, cannot be told."""
    moment, zone, own = _moment(dated), _zone(dated), _zone(_text(header, "TimezoneOffsetFromUTC"))
    if moment is None or zone is None:
        return moment
    if own is not None:
        return moment + own - zone
    if on_that_day is None:
        raise NoUptakeError(
            f"its {_DATED} names a time zone, and no TimezoneOffsetFromUTC says that of its scan"
        )
    return moment if _is_one_clock(moment, on_that_day, half_life_s) else None


def _is_likely(waited: timedelta, half_life_s: float) -> bool:
    return -_SCANNED_BEFORE <= waited <= timedelta(seconds=_HALF_LIVES * half_life_s)


def _unlikely(waited: timedelta) -> str:
    if waited < timedelta(0):
        return f"its injection is noted {_told(-waited)} after the start of its scan"
    return (
        f"its injection is noted {_told(waited)} before the start of its scan, which is too long"
        " for the half-life of its nuclide"
    )


def _told(time: timedelta) -> str:
    seconds = time.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if time < 2 * _DAY else f"{time / _DAY:.0f} days"


def _is_one_clock(one: datetime, other: datetime, half_life_s: float) -> bool:
    """Tell whether two moments are at one time of a day, as far as it counts for the nuclide."""
    apart = (one - other) % _DAY
    return min(apart, _DAY - apart) <= min(_SAME, timedelta(seconds=_ROUNDING * half_life_s))


def _refuse_old_time(
    header: Dataset, injected: datetime, scanned: datetime, half_life_s: float, clock: str
) -> None:
    """Refuse a start that was noted before an injection, for a scan that began after it."""
    acquired = _acquired(header)
    if acquired is None or acquired <= injected:
        return
    start = _start_by_frame(header, acquired, half_life_s)
    apart = acquired - scanned - _SCANNED_BEFORE if start is None else abs(start - scanned) - _SAME
    if apart > timedelta(0):
        raise NoUptakeError(
            f"{clock} lies before its injection and its acquisition after it, so that the start of"
            " its scan is not certain"
        )


def _decayed_to(header: Dataset, half_life_s: float) -> tuple[datetime, str]:
    """Return the start of the scan, to which values with DecayCorrection START are decayed."""
    date = _text(header, "SeriesDate") or _text(header, "StudyDate")
    series = _moment(date + _text(header, "SeriesTime")) if date else None
    acquired = _acquired(header)
    if series is not None and (acquired is None or series <= acquired):
        return series, "the series time"
    # a series that was made or sent again has a later time
    private = _moment(_private_text(header, 0x0009, _GE_PET, _GE_SCAN_TIME))
    if private is not None:
        return private, "the scanner's own scan time (0009,100D)"
    if acquired is None:
        times = ("SeriesDate", bool(date)), ("SeriesTime", bool(_text(header, "SeriesTime")))
        missing = [name for name, is_there in times if not is_there]
        if missing:
            raise NoUptakeError(f"its header lacks {', '.join(missing)}")
        raise NoUptakeError("its SeriesDate and SeriesTime are no moment in hours and minutes")
    start = _start_by_frame(header, acquired, half_life_s)
    if start is None:
        return acquired, "the acquisition time"
    return start, "the acquisition time less the frame reference time"


def _acquired(header: Dataset) -> datetime | None:
    date = _text(header, "AcquisitionDate") or _text(header, "SeriesDate")
    return _moment(date + _text(header, "AcquisitionTime")) if date else None


def _start_by_frame(header: Dataset, acquired: datetime, half_life_s: float) -> datetime | None:
    """Return the start of the scan by FrameReferenceTime, None without it."""
    reference_s = number(header, "FrameReferenceTime") / 1000
    if reference_s <= 0:
        return None
    decay = math.log(2) * number(header, "ActualFrameDuration") / 1000 / half_life_s
    middle_s = 0.0
    if decay > 0:  # when the count rate was its mean over the frame
        middle_s = half_life_s / math.log(2) * math.log(decay / -math.expm1(-decay))
    return acquired + timedelta(seconds=middle_s - reference_s)


def _text(dataset: Dataset, keyword: str) -> str:
    value: Any = dataset.get(keyword)
    text = "" if value is None else str(value).strip()
    return text.replace(".", "") if keyword.endswith("Date") else text


def _moment(text: str) -> datetime | None:
    """Read YYYYMMDDHHMMSS.FFFFFF without the zone behind it; None where minutes are missing."""
    whole, _, fraction = re.sub(r"[+-].*", "", text).strip().replace(":", "").partition(".")
    if len(whole) not in (12, 14):
        return None
    try:
        moment = datetime.strptime(whole.ljust(14, "0"), "%Y%m%d%H%M%S")
        return moment + timedelta(seconds=float(f"0.{fraction or 0}"))
    except ValueError:
        return None


def _zone(text: str) -> timedelta | None:
    """Return the offset from universal time at the end of a text."""
    found = re.search(r"([+-])(\d\d)(\d\d)$", text)
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -offset if found[1] == "-" else offset


def _private_text(header: Dataset, group: int, creator: str, element: int) -> str:
    try:
        value = header.private_block(group, creator)[element].value
    except KeyError:
        return ""
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
