"""Numbers in text headers, read strictly: exactly as many as there must be, and each one finite."""

from __future__ import annotations

import re

from mactfusion.errors import InputError

LARGEST = 1e9
"""No length in millimetres or micrometres, direction or count of voxels along an axis is larger."""

LARGEST_COSINE_BETWEEN_AXES = 1e-3
"""Rounded headers stay below, and ITK still opens a file written with so much shear."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)


def numbers(text: str, count: int, field: str, name: str) -> tuple[float, ...]:
    """The numbers of a header field, with decimal points.

    Args:
        text: what the header says, separated by blanks.
        count: how many there must be.
        field: what the header calls it.
        name: how the message calls the file.

    Raises:
        InputError: another count, what is no number, or an absurd one.
    """
    words = text.split()
    values = tuple(float(word) for word in words if _NUMBER.fullmatch(word))
    if len(words) != count or len(values) != count or max(map(abs, values)) > LARGEST:
        raise InputError(
            _refusal(text, f"{count} numbers" if count > 1 else "a number", field, name)
        )
    return values


def integers(text: str, count: int, field: str, name: str) -> tuple[int, ...]:
    """The whole numbers of a header field; see `numbers`.

    Raises:
        InputError: likewise.
    """
    words = text.split()
    values = tuple(int(word) for word in words if _INTEGER.fullmatch(word))
    if len(words) != count or len(values) != count:
        what = f"{count} whole numbers" if count > 1 else "a whole number"
        raise InputError(_refusal(text, what, field, name))
    return values


def _refusal(text: str, what: str, field: str, name: str) -> str:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= 60 else f"{shown[:60]} ..."
    return (
        f"{name}: its header field {field} must hold {what} with decimal points, not '{shown}';"
        " repair its header"
    )
