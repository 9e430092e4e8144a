"""Numbers of a header that say where a plane lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.io.dicom.frame import EXACT
from mactfusion.io.header_numbers import LARGEST_COSINE_BETWEEN_AXES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom import Dataset

_LARGEST_ROUNDING = 0.02
"""Of lengths and of the cosine between directions: of one decimal alone, nothing is known."""


class NoPlaceError(Exception):
    """A plane's place in the patient is not known.

    Args:
        reason: to stand after "images, which are ...".
        spoils: the volume of its series is incomplete without it.
    """

    def __init__(self, reason: str, *, spoils: bool = True) -> None:
        super().__init__(reason)
        self.spoils = spoils


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...]:
    """Return the numbers of a tag.

    Raises:
        NoPlaceError: there are fewer or more, or one is not finite.
    """
    value = dataset.get(keyword)
    values = list(value) if np.iterable(value) and not isinstance(value, str) else [value]
    try:
        found = tuple(float(number) for number in values)
    except (TypeError, ValueError):
        found = ()
    if len(found) != count or not np.isfinite(found).all():
        raise NoPlaceError(f"images without {keyword}, so that their place is unknown")
    return found


def rescale(dataset: Dataset, keyword: str) -> float | None:
    """Return the number of a rescale tag, None where it is missing or empty.

    Raises:
        NoPlaceError: it is no number.
    """
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = np.nan
    if not np.isfinite(found):
        raise NoPlaceError(f"images whose {keyword} is no number")
    return found


def number(dataset: Dataset, keyword: str, otherwise: float = 0.0) -> float:
    """Return one number, or another where there is none that is finite."""
    value = dataset.get(keyword)
    if np.iterable(value) and not isinstance(value, str):
        value = next(iter(value), None)
    try:
        found = float(value)
    except (TypeError, ValueError):
        return otherwise
    return found if np.isfinite(found) else otherwise


def decimals(dataset: Dataset, keyword: str) -> int:
    """Return how many decimals the numbers of a tag were written with."""
    value = dataset.get(keyword)
    return max((_decimals(each) for each in value), default=EXACT) if np.iterable(value) else EXACT


def checked(orientation: tuple[float, ...], spacing_mm: tuple[float, ...], written: int) -> None:
    """Refuse vectors that are no perpendicular directions of length 1, and distances that are none.

    They may differ from that by as much as axes of other formats, or by how they were rounded.

    Args:
        orientation: along a row and along a column.
        spacing_mm: of rows and columns.
        written: decimals of the orientation, see `decimals`.

    Raises:
        NoPlaceError: likewise.
    """
    along_row, along_column = np.reshape(orientation, (2, 3))
    lengths = np.array([np.linalg.norm(along_row), np.linalg.norm(along_column)])
    rounding = math.sqrt(3) * 10.0 ** -(written or EXACT)  # of all three parts of both
    allowed = max(LARGEST_COSINE_BETWEEN_AXES, min(rounding, _LARGEST_ROUNDING))
    if np.abs(lengths - 1).max() > allowed or abs(along_row @ along_column) > allowed:
        raise NoPlaceError(
            "images whose ImageOrientationPatient is no pair of perpendicular directions of length"
            " 1"
        )
    if min(spacing_mm) <= 0:
        raise NoPlaceError("images whose PixelSpacing is zero or negative")


def _decimals(value: Any) -> int:
    text = str(getattr(value, "original_string", "") or "").strip().lower()
    if not text:
        return EXACT
    mantissa, _, exponent = text.partition("e")
    digits = len(mantissa.partition(".")[2].rstrip("0"))
    return max(0, digits - int(exponent or 0))


def first_item(dataset: Dataset | None, keyword: str) -> Dataset | None:
    """Return the first item of a sequence, None where there is none."""
    sequence = None if dataset is None else dataset.get(keyword)
    return sequence[0] if sequence else None


def vector(header: Dataset, keyword: str, count: int) -> list[int]:
    """Return a whole number for each frame, ones where the tag does not say.

    Raises:
        NoPlaceError: it has another length.
    """
    value = header.get(keyword)
    if value is None or value == "":
        return [1] * count
    values: Iterable[Any] = value if np.iterable(value) else [value]
    found = [int(each) for each in values]
    if len(found) != count:
        raise NoPlaceError(f"images whose {keyword} does not fit their number of frames")
    return found
