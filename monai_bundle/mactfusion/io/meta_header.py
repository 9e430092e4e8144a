"""The header of a MetaImage, every field checked before ITK sees the file.

MetaIO, which ITK reads it with, takes what is no number for 0 or for the end of the list, and
crashes or does not return for some that are absurd.
"""

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

_TYPES = {
    "met_char": "i1",
    "met_uchar": "u1",
    "met_short": "i2",
    "met_ushort": "u2",
    "met_int": "i4",
    "met_uint": "u4",
    "met_long": "i4",
    "met_ulong": "u4",
    "met_long_long": "i8",
    "met_ulong_long": "u8",
    "met_float": "f4",
    "met_double": "f8",
}
_YES_OR_NO = {"true": "yes", "t": "yes", "1": "yes", "false": "", "f": "", "0": ""}

_PLACE = ("Offset", "Position", "Origin")
_AXES = ("TransformMatrix", "Orientation", "Rotation")
_BYTE_ORDER = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
_KNOWN = {
    *("ObjectType", "NDims", "BinaryData", "CompressedData", "CompressedDataSize", "HeaderSize"),
    *("DimSize", "ElementSpacing", "ElementSize", "ElementType", "ElementNumberOfChannels"),
    *("AnatomicalOrientation", "CenterOfRotation", "DistanceUnits", "ElementDataFile"),
    *("ElementMin", "ElementMax", "SequenceID", "ID", "ParentID", "Color"),
    *(*_PLACE, *_AXES, *_BYTE_ORDER),
}
_LINE = re.compile(r"[ \t]*([^\s=:]{1,200})[ \t]*[=:][ \t]*(.*?)[ \t\r]*")
_ENDS = re.compile(rb"^[ \t]*ElementDataFile[ \t]*[=:][^\n]*\n?", re.MULTILINE)
_LARGEST_COSINE = 1.001


def read_meta_header(path: Path) -> TextHeader:
    """Read and check the header of ``.mha`` or ``.mhd``.

    Args:
        path: the file.

    Returns:
        What it says.

    Raises:
        InputError: a field that is missing, stands twice or cannot be.
    """
    name = str(path)
    fields, header_bytes, rest = _fields(path)
    choice(fields.get("ObjectType", "Image"), {"image": "image"}, "ObjectType", name)
    for counted in ("ID", "ParentID"):
        if counted in fields:
            integers(fields[counted], 1, counted, name)
    for limit in ("ElementMin", "ElementMax"):
        if limit in fields:
            numbers(fields[limit], 1, limit, name)
    (dimensions,) = integers(_needed(fields, "NDims", name), 1, "NDims", name)
    if not 2 <= dimensions <= 4:
        raise InputError(f"{name} has {dimensions} dimensions; 2 to 4 can be read")
    for listed, count in (("SequenceID", dimensions), ("Color", 4)):
        if listed in fields:
            numbers(fields[listed], count, listed, name)
    size = integers(_needed(fields, "DimSize", name), dimensions, "DimSize", name)
    if min(size) < 1:
        raise InputError(f"{name} holds no voxels (DimSize {' x '.join(map(str, size))})")
    (components,) = integers(
        fields.get("ElementNumberOfChannels", "1"), 1, "ElementNumberOfChannels", name
    )
    if not 1 <= components <= 256:
        raise InputError(f"{name} holds {components} components a voxel; use scalar, RGB or RGBA")
    i, j, k = (*size, 1)[:3]
    return TextHeader(
        size=(i, j, k),
        components=components,
        frames=size[3] if dimensions == 4 else 1,
        affine=_affine(fields, dimensions, name),
        voxels=_voxels(fields, path, header_bytes, rest, math.prod(size) * components),
    )


def _fields(path: Path) -> tuple[dict[str, str], int, list[str]]:
    """Fields by name, bytes of the header, and the lines after it (of a list of files)."""
    name = str(path)
    with path.open("rb") as file:
        start = file.read(LONGEST_HEADER_BYTES)
    end = _ENDS.search(start)
    if end is None:
        raise InputError(f"{name} is no MetaImage: its header has no ElementDataFile")
    header = start[: end.end()].decode("latin-1")
    check_lines(header, name)
    fields: dict[str, str] = {}
    for line in header.split("\n"):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise InputError(
                f"{name}: '{line.strip()[:60]}' in its header is no field; repair its header"
            )
        if found[1] in fields and found[1] in _KNOWN:
            raise InputError(f"{name}: its header field {found[1]} stands twice")
        fields[found[1]] = found[2]
    return fields, end.end(), start[end.end() :].decode("latin-1").splitlines(keepends=True)


def _needed(fields: dict[str, str], field: str, name: str) -> str:
    if field not in fields:
        raise InputError(f"{name} has a header without {field}")
    return fields[field]


def _one_of(
    fields: dict[str, str], synonyms: tuple[str, ...], count: int, name: str
) -> tuple[float, ...] | None:
    """The numbers of a field that has several names; None where it is missing."""
    found = {
        field: numbers(fields[field], count, field, name) for field in synonyms if field in fields
    }
    if len(set(found.values())) > 1:
        raise InputError(f"{name}: its header fields {' and '.join(found)} differ")
    return next(iter(found.values()), None)


def _affine(fields: dict[str, str], dimensions: int, name: str) -> np.ndarray:
    spatial = min(dimensions, 3)
    if "ElementSpacing" not in fields:
        raise InputError(
            f"{name} does not say how far apart its voxels are (ElementSpacing); save it again with"
            " its spacing"
        )
    spacing = numbers(fields["ElementSpacing"], dimensions, "ElementSpacing", name)
    if min(spacing) <= 0:
        shown = " x ".join(fields["ElementSpacing"].split())
        raise InputError(
            f"{name} has a voxel spacing that is not positive ({shown} mm); repair its header"
        )
    if "ElementSize" in fields:
        numbers(fields["ElementSize"], dimensions, "ElementSize", name)
    origin = _one_of(fields, _PLACE, dimensions, name)
    matrix = _one_of(fields, _AXES, dimensions**2, name)
    for what, given, taken in (
        ("where it lies (Offset)", origin, "its first voxel was put at 0"),
        ("how its axes lie (TransformMatrix)", matrix, "left, posterior and superior were taken"),
    ):
        if given is None:
            warn(f"{name} does not say {what}; {taken}")
    axes = np.eye(dimensions) if matrix is None else np.reshape(matrix, (dimensions, dimensions)).T
    if (
        np.abs(axes).max() > _LARGEST_COSINE
        or (np.abs(axes[:3, 3:]) + np.abs(axes[3:, :3].T) > 0).any()
    ):
        raise InputError(
            f"{name} has axes that are no directions (TransformMatrix); repair its header"
        )
    affine = np.eye(4)
    affine[:spatial, :spatial] = (axes * spacing)[:spatial, :spatial]
    affine[:spatial, 3] = (origin or (0.0,) * dimensions)[:spatial]
    factor = millimetres(fields.get("DistanceUnits", "mm"), "DistanceUnits", name)
    _check_said_orientation(fields, axes[:spatial, :spatial], dimensions, name)
    return np.diag([-factor, -factor, factor, 1]) @ affine


def _check_said_orientation(
    fields: dict[str, str], axes: np.ndarray, dimensions: int, name: str
) -> None:
    """What says a second time how the axes lie, and is not needed for it."""
    centre = numbers(
        fields.get("CenterOfRotation", " ".join("0" * dimensions)),
        dimensions,
        "CenterOfRotation",
        name,
    )
    if any(centre) and not np.array_equal(axes, np.eye(len(axes))):
        warn(f"{name}: its CenterOfRotation is left out, as other programs do")
    letters = fields.get("AnatomicalOrientation", "").strip().upper()
    if len(axes) < 3 or not re.fullmatch("[RLAPIS]{3}", letters):
        return
    strongest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[strongest, range(3)])
    # The letters tell where axes begin (ITK) or where they run to.
    ends = ["RL", "AP", "IS"]
    begins = "".join(
        ends[axis][0 if sign > 0 else 1] for axis, sign in zip(strongest, signs, strict=True)
    )
    runs_to = "".join(
        ends[axis][1 if sign > 0 else 0] for axis, sign in zip(strongest, signs, strict=True)
    )
    if letters not in (begins, runs_to):
        warn(
            f"{name}: its header fields AnatomicalOrientation ({letters}) and TransformMatrix"
            f" ({begins}) differ; TransformMatrix was used"
        )


def _voxels(
    fields: dict[str, str], path: Path, header_bytes: int, rest: list[str], count: int
) -> StoredVoxels:
    name = str(path)
    element = choice(_needed(fields, "ElementType", name), _TYPES, "ElementType", name)
    dtype = np.dtype(element)
    is_binary, is_compressed = (
        bool(choice(fields.get(field, "false"), _YES_OR_NO, field, name))
        for field in ("BinaryData", "CompressedData")
    )
    orders = {
        choice(fields[field], _YES_OR_NO, field, name) for field in _BYTE_ORDER if field in fields
    }
    if len(orders) > 1:
        raise InputError(f"{name}: its header fields {' and '.join(_BYTE_ORDER)} differ")
    if not orders and is_binary and dtype.itemsize > 1:
        warn(f"{name} does not say the order of its bytes; little-endian was taken")
    (skip,) = integers(fields.get("HeaderSize", "0"), 1, "HeaderSize", name)
    if skip < -1:
        raise InputError(f"{name}: its header field HeaderSize cannot be {skip}")
    files, is_local = _data_files(fields["ElementDataFile"], path, rest)
    if is_local and skip:
        raise InputError(f"{name} has a HeaderSize although its voxels follow the header")
    stored_bytes = None
    if is_binary and is_compressed:
        if len(files) > 1 or skip:
            raise InputError(
                f"{name}: compressed voxels in parts cannot be read; save it as one file"
            )
        (stored_bytes,) = integers(
            _needed(fields, "CompressedDataSize", name), 1, "CompressedDataSize", name
        )
        if stored_bytes < 1:
            raise InputError(
                f"{name}: its header field CompressedDataSize cannot be {stored_bytes}"
            )
    return StoredVoxels(
        files=files,
        skip=header_bytes if is_local else skip,
        encoding="text" if not is_binary else "zlib" if is_compressed else "raw",
        dtype=dtype,
        count=count,
        stored_bytes=stored_bytes,
    )


def _data_files(text: str, path: Path, rest: list[str]) -> tuple[tuple[Path, ...], bool]:
    """The files that hold the voxels, and whether that is the file of the header."""
    first, *others = text.split() or [""]
    if first.upper() == "LOCAL" and not others:
        return (path,), True
    if first.upper() == "LIST":
        if others and others != ["2D"]:
            raise InputError(f"{path}: a list of files that hold more than a slice cannot be read")
        if not rest or not rest[-1].endswith("\n"):  # MetaIO would leave out the last file
            raise InputError(f"{path}: the last line of its list of files must end; repair it")
        listed = [line.strip() for line in rest if line.strip()]
        return tuple(data_file(line, path) for line in listed), False
    if not text:
        raise InputError(f"{path} has a header without ElementDataFile")
    return (data_file(text, path),), False
