"""What the text header of a MetaImage or NRRD says, once every field of it has been checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from mactfusion.io.stored_voxels import StoredVoxels

LONGEST_HEADER_BYTES = 2**20

MILLIMETRES = {
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1.0),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 10.0),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e3),
    **dict.fromkeys(("um", "\N{MICRO SIGN}m", "\N{GREEK SMALL LETTER MU}m"), 1e-3),
    **dict.fromkeys(("micron", "microns", "micrometer", "micrometers", "micrometre"), 1e-3),
    **dict.fromkeys(("micrometres",), 1e-3),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1e-6),
    **dict.fromkeys(("in", "inch", "inches"), 25.4),
}
"""Units of length, by their names in lower case."""

_LONGEST_LINE = 4000
"""Readers of both formats have buffers of a fixed size for a line."""


@dataclass(frozen=True)
class TextHeader:
    """What a header says.

    Attributes:
        size: voxels along each axis, 3 of them.
        components: numbers of a voxel.
        frames: volumes of that size.
        affine: ``(4, 4)`` from index to RAS+ millimetres.
        voxels: where they are stored.
    """

    size: tuple[int, int, int]
    components: int
    frames: int
    affine: np.ndarray
    voxels: StoredVoxels


def millimetres(unit: str, field: str, name: str) -> float:
    """Length of a unit.

    Args:
        unit: its name; empty or ``?`` means millimetres, as all readers take it.
        field: what the header calls it.
        name: how the message calls the file.

    Raises:
        InputError: no unit of length.
    """
    if unit.strip() in ("", "?", "???"):
        return 1.0
    factor = MILLIMETRES.get(unit.strip().lower())
    if factor is None:
        raise InputError(
            f"{name} gives lengths in '{unit}' ({field}), which is no unit of length known here;"
            " save it again in millimetres"
        )
    return factor


def choice(text: str, choices: dict[str, str], field: str, name: str) -> str:
    """The meaning of a word of a header field, whatever its letter case.

    Args:
        text: the word.
        choices: meanings by words in lower case.
        field: what the header calls it.
        name: how the message calls the file.

    Raises:
        InputError: another word.
    """
    meaning = choices.get(text.strip().lower())
    if meaning is None:
        raise InputError(f"{name}: its header field {field} cannot be '{text[:60]}'")
    return meaning


def check_lines(header: str, name: str) -> None:
    """Refuse lines that a reader could not hold, and bytes that are no text.

    Raises:
        InputError: there are such.
    """
    if re.search(r"[\x00-\x08\x0e-\x1f]", header):
        raise InputError(f"{name} has a damaged header")
    if any(len(line) > _LONGEST_LINE for line in header.splitlines()):
        raise InputError(f"{name} has a header line of more than {_LONGEST_LINE} characters")


def data_file(text: str, path: Path) -> Path:
    """The data file that a header names: beside it, or in a folder below.

    Args:
        text: its name.
        path: of the header.

    Raises:
        InputError: it lies elsewhere, or is one of many that a pattern tells of.
    """
    if "%" in text:
        raise InputError(f"{path} keeps its voxels in numbered files ({text}); save it as one file")
    file = path.parent / text
    if not file.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(
            f"{path} names a data file in another folder ({text}); put both into one folder, and"
            " the name alone into the header"
        )
    if file.resolve() == path.resolve():
        raise InputError(f"{path} names itself as its data file; repair its header")
    return file
