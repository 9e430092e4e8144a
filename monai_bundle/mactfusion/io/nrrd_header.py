"""The header of an NRRD file, every field checked before ITK sees the file."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.errors import InputError, warn
from mactfusion.io.header_numbers import integers, numbers
from mactfusion.io.stored_voxels import StoredVoxels
from mactfusion.io.text_header import (
    LONGEST_HEADER_BYTES,
    TextHeader,
    check_lines,
    choice,
    data_file,
    millimetres,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mactfusion.io.stored_voxels import Encoding

_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int"), "i2"),
    **dict.fromkeys(("int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int"), "u2"),
    **dict.fromkeys(("uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long"), "i8"),
    **dict.fromkeys(("signed long long int", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int"), "u8"),
    **dict.fromkeys(("uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_ENCODINGS: dict[str, Encoding] = {
    "raw": "raw",
    "txt": "text",
    "text": "text",
    "ascii": "text",
    "gz": "gzip",
    "gzip": "gzip",
}
_RAS_SIGNS = {
    **dict.fromkeys(("right-anterior-superior", "ras"), (1, 1, 1)),
    **dict.fromkeys(("left-anterior-superior", "las"), (-1, 1, 1)),
    **dict.fromkeys(("left-posterior-superior", "lps"), (-1, -1, 1)),
}
_COLOUR_KINDS = {
    "vector": None,
    "rgb-color": 3,
    "3-color": 3,
    "3-vector": 3,
    "rgba-color": 4,
    "4-color": 4,
    "4-vector": 4,
}
_FRAME_KINDS = ("list", "point")
_UNREADABLE_KINDS = ("domain", "space", "time", "???", "none")
_SPATIAL_KINDS = ("domain", "space", "???", "none")
_FIELDS = {
    *("dimension", "type", "block size", "blocksize", "encoding", "endian", "content"),
    *("old min", "oldmin", "old max", "oldmax", "min", "max", "data file", "datafile"),
    *("line skip", "lineskip", "byte skip", "byteskip", "number", "sample units", "sampleunits"),
    *("sizes", "spacings", "thicknesses", "axis mins", "axismins", "axis maxs", "axismaxs"),
    *("centers", "centerings", "labels", "units", "kinds", "space", "space dimension"),
    *("space units", "space origin", "space directions", "measurement frame"),
}
_SYNONYMS = {
    "datafile": "data file",
    "lineskip": "line skip",
    "byteskip": "byte skip",
    "centers": "centerings",
}
_VECTOR = re.compile(r"\([^()]*\)|none", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]*)"')


def read_nrrd_header(path: Path) -> TextHeader:
    """Read and check the header of ``.nrrd`` or ``.nhdr``.

    Args:
        path: the file.

    Returns:
        What it says.

    Raises:
        InputError: a field that is missing, stands twice or cannot be; a place that is unknown.
    """
    name = str(path)
    fields, header_bytes, rest = _fields(path)
    (dimensions,) = integers(_needed(fields, "dimension", name), 1, "dimension", name)
    if not 1 <= dimensions <= 16:
        raise InputError(f"{name} has {dimensions} dimensions; 3 are needed")
    sizes = integers(_needed(fields, "sizes", name), dimensions, "sizes", name)
    if min(sizes) < 1:
        raise InputError(f"{name} holds no voxels (sizes {' x '.join(map(str, sizes))})")
    _check_spacings(fields, dimensions, name)
    signs = _ras_signs(fields, name)
    directions = _vectors(fields, "space directions", dimensions, name)
    spatial, components, frames = _axes(fields, sizes, directions, name)
    affine = _affine(fields, [directions[axis] for axis in spatial], signs, name)
    i, j, k = (*(sizes[axis] for axis in spatial), 1, 1)[:3]
    return TextHeader(
        size=(i, j, k),
        components=components,
        frames=frames,
        affine=affine,
        voxels=_voxels(fields, path, header_bytes, rest, math.prod(sizes)),
    )


def _fields(path: Path) -> tuple[dict[str, str], int, list[str]]:
    """Fields by name, bytes of the header, and the lines of a list of files."""
    name = str(path)
    with path.open("rb") as file:
        start = file.read(LONGEST_HEADER_BYTES)
    if not re.match(rb"NRRD000[1-6]\r?\n", start):
        raise InputError(f"{name} cannot be read: it is no NRRD file")
    end = re.search(rb"\n\r?\n", start)
    stop = end.end() if end else len(start)
    header = start[:stop].decode("utf-8", "replace")
    check_lines(header, name)
    fields: dict[str, str] = {}
    lines = iter(header.splitlines()[1:])
    for line in lines:
        if not line.strip() or line.startswith("#") or ":=" in line:
            continue
        field, colon, value = line.partition(":")
        field = field.strip().lower()
        if not colon or field not in _FIELDS:
            raise InputError(
                f"{name}: '{line.strip()[:60]}' in its header is no field of NRRD;"
                " repair its header"
            )
        field = _SYNONYMS.get(field, field)
        if field in fields:
            raise InputError(f"{name}: its header field '{field}' stands twice")
        fields[field] = value.strip()
        if field == "data file" and value.strip().upper().startswith("LIST"):
            break
    return fields, stop, [line.strip() for line in lines if line.strip()]


def _needed(fields: dict[str, str], field: str, name: str) -> str:
    if field not in fields:
        raise InputError(f"{name} has a header without '{field}'")
    return fields[field]


def _ras_signs(fields: dict[str, str], name: str) -> tuple[int, int, int]:
    space = fields.get("space", "")
    signs = _RAS_SIGNS.get(space.lower())
    if signs is None:
        raise InputError(
            f"{name} does not say how its axes lie in the patient (NRRD field 'space' is"
            f" {space or 'missing'}); save it again with its orientation"
        )
    if "space dimension" in fields:
        raise InputError(f"{name} has both 'space' and 'space dimension'; repair its header")
    return signs


def _vectors(
    fields: dict[str, str], field: str, count: int, name: str
) -> list[tuple[float, ...] | None]:
    """Vectors of three numbers, None for ``none``."""
    if field not in fields:
        raise InputError(
            f"{name} does not say how its axes lie in the patient (NRRD field '{field}' is"
            " missing); save it again with its orientation"
        )
    words = _VECTOR.findall(fields[field])
    if len(words) != count or _VECTOR.sub("", fields[field]).strip():
        raise InputError(
            f"{name}: its header field '{field}' must hold {count} vectors of 3 numbers"
        )
    return [
        None
        if word.lower() == "none"
        else numbers(" ".join(word[1:-1].split(",")), 3, f"'{field}'", name)
        for word in words
    ]


def _axes(
    fields: dict[str, str],
    sizes: tuple[int, ...],
    directions: list[tuple[float, ...] | None],
    name: str,
) -> tuple[list[int], int, int]:
    """Which axes are of space, how many numbers a voxel has, and how many frames there are."""
    kinds = fields.get("kinds", " ".join(["???"] * len(sizes))).lower().split()
    if len(kinds) != len(sizes):
        raise InputError(f"{name}: its header field 'kinds' must hold {len(sizes)} words")
    spatial = [axis for axis, direction in enumerate(directions) if direction is not None]
    others = [axis for axis, direction in enumerate(directions) if direction is None]
    for axis in spatial:
        if kinds[axis] not in _SPATIAL_KINDS:
            raise InputError(
                f"{name} has an axis of kind '{kinds[axis]}' with a direction in space;"
                " repair its header"
            )
    if not 1 <= len(spatial) <= 3:
        raise InputError(f"{name} has {len(spatial)} axes in space, 3 are needed")
    components = frames = 1
    for axis in others:
        kind, size = kinds[axis], sizes[axis]
        if kind in _COLOUR_KINDS and len(others) == 1:
            if _COLOUR_KINDS[kind] not in (None, size):
                raise InputError(f"{name} has an axis of kind '{kind}' with {size} components")
            components = size
        elif len(others) > 1:
            raise InputError(f"{name} has {len(sizes)} dimensions; extract one 3-D volume first")
        elif kind in _FRAME_KINDS:
            frames = size
        elif kind in _UNREADABLE_KINDS:  # to ITK
            raise InputError(
                f"{name} holds frames along an axis of kind '{kind}', which cannot be read; save it"
                " again with the kind 'list'"
            )
        else:
            raise InputError(
                f"{name} holds {size} numbers a voxel (NRRD kind '{kind}') and no frames; extract"
                " one 3-D volume first"
            )
    return spatial, components, frames


def _check_spacings(fields: dict[str, str], dimensions: int, name: str) -> None:
    for field in ("spacings", "thicknesses"):
        words = fields.get(field, " ".join(["nan"] * dimensions)).split()
        if len(words) != dimensions:
            raise InputError(f"{name}: its header field '{field}' must hold {dimensions} numbers")
        given = [numbers(word, 1, f"'{field}'", name)[0] for word in words if word.lower() != "nan"]
        if given and min(given) <= 0:
            raise InputError(
                f"{name} has a voxel spacing that is not positive ({' x '.join(words)} mm); repair"
                " its header"
            )


def _affine(
    fields: dict[str, str],
    directions: list[tuple[float, ...] | None],
    signs: tuple[int, int, int],
    name: str,
) -> np.ndarray:
    columns = np.array(directions, float).T
    if columns.shape[1] == 1:
        raise InputError(f"{name} has one axis in space, 3 are needed")
    if columns.shape[1] == 2:
        normal = np.cross(columns[:, 0], columns[:, 1])
        columns = np.column_stack([columns, normal / (np.linalg.norm(normal) or 1)])
    affine = np.eye(4)
    affine[:3, :3] = columns
    if "space origin" in fields:
        (origin,) = _vectors(fields, "space origin", 1, name)
        affine[:3, 3] = np.nan if origin is None else origin
    else:
        warn(f"{name} does not say where it lies ('space origin'); its first voxel was put at 0")
    return np.diag([*np.multiply(signs, _millimetres(fields, name)), 1]) @ affine


def _millimetres(fields: dict[str, str], name: str) -> list[float]:
    """Of the unit along each direction in the patient."""
    text = fields.get("space units", "")
    units = _QUOTED.findall(text) if '"' in text else text.split()
    if text and len(units) != 3:
        raise InputError(f"{name}: its header field 'space units' must hold 3 words in quotes")
    factors = [millimetres(unit, "'space units'", name) for unit in units or ["mm"] * 3]
    for unit in _QUOTED.findall(fields.get("units", "")):
        if (
            unit.strip() not in ("", "?", "???")
            and millimetres(unit, "'units'", name) not in factors
        ):
            raise InputError(f"{name}: its header fields 'units' and 'space units' differ")
    return factors


def _voxels(
    fields: dict[str, str], path: Path, header_bytes: int, rest: list[str], count: int
) -> StoredVoxels:
    name = str(path)
    dtype = np.dtype(choice(_needed(fields, "type", name), _TYPES, "'type'", name))
    encoding = _ENCODINGS.get(_needed(fields, "encoding", name).lower())
    if encoding is None:
        raise InputError(
            f"{name} stores its voxels in an encoding that cannot be read"
            f" ({fields['encoding'][:60]}); save it as raw or gzip"
        )
    if encoding != "text" and dtype.itemsize > 1:
        _needed(fields, "endian", name)
    choice(fields.get("endian", "little"), {"little": "<", "big": ">"}, "'endian'", name)
    (lines,) = integers(fields.get("line skip", "0"), 1, "'line skip'", name)
    (skip,) = integers(fields.get("byte skip", "0"), 1, "'byte skip'", name)
    if lines or skip < -1 or (skip == -1 and encoding != "raw"):
        raise InputError(
            f"{name} has parts before its voxels that cannot be read ('line skip' {lines},"
            f" 'byte skip' {skip}); save it again"
        )
    is_attached = "data file" not in fields
    if not is_attached:
        files = _data_files(fields["data file"], path, rest)
        if len(files) > 1 and encoding != "raw":
            raise InputError(
                f"{name}: compressed voxels in parts cannot be read; save it as one file"
            )
    start = header_bytes if is_attached else 0
    is_plain = encoding == "raw"
    return StoredVoxels(
        files=(path,) if is_attached else files,
        skip=-1 if skip == -1 else start + (skip if is_plain else 0),
        encoding=encoding,
        dtype=dtype,
        count=count,
        skip_inside=0 if is_plain else skip,
    )


def _data_files(text: str, path: Path, rest: list[str]) -> tuple[Path, ...]:
    if text.upper().startswith("LIST"):
        if text.upper() != "LIST" or not rest:
            raise InputError(
                f"{path}: such a list of data files cannot be read; save it as one file"
            )
        return tuple(data_file(line, path) for line in rest)
    return (data_file(text, path),)
