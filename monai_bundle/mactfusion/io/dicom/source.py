"""Where DICOM files come from: a folder tree, a file, a DICOMDIR, a ZIP."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.io.formats import INPUT_EXTENSIONS, extension_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

DICOMDIR = "DICOMDIR"
PREAMBLE_BYTES = 132
_FIRST_GROUPS = (0x0002, 0x0008)
"""Groups that a DICOM file without a preamble begins with."""
_BLOCK_BYTES = 2**20
_ROOM_LEFT = 0.9


def _has_preamble(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(PREAMBLE_BYTES)[128:] == b"DICM"


def looks_like_dicom(path: Path) -> bool:
    """Tell by the first bytes whether a file may be DICOM, with or without a preamble."""
    if _has_preamble(path):
        return True
    with path.open("rb") as file:
        start = file.read(PREAMBLE_BYTES)
    if len(start) < 8:
        return False
    for order in ("little", "big"):
        group = int.from_bytes(start[:2], order)
        element = int.from_bytes(start[2:4], order)
        length = int.from_bytes(start[4:8], order)
        names_type = start[4:6].isalpha() and start[4:6].isupper()
        if group in _FIRST_GROUPS and element <= 0x0100 and (names_type or length < 1024):
            return True
    return False


def is_dicom_source(path: Path) -> bool:
    """Tell what this room reads from a volume file or a picture."""
    if path.is_dir() or path.name.upper() == DICOMDIR:
        return True
    extension = extension_of(path)
    if not path.is_file():
        return False
    if extension in INPUT_EXTENSIONS:  # some scanners call their files .img
        return _has_preamble(path)
    return is_archive(path) or looks_like_dicom(path)


def is_archive(path: Path) -> bool:
    """Tell a ZIP, by its name or by its content."""
    return path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))


@contextmanager
def files_of(source: Path) -> Iterator[list[Path]]:
    """Give the files that a source stands for, in the order of their names.

    Hidden files are passed over unless one is the source, links to folders are not followed. A
    ZIP is unpacked into a private folder that is gone afterwards, under numbers, so that no name
    leads out of it.

    Args:
        source: a folder, a DICOMDIR (its folder is meant), one file (its folder without those
            below), or a ZIP.

    Raises:
        InputError: a ZIP that cannot be unpacked.
    """
    if source.is_dir():
        yield _below(source)
    elif source.name.upper() == DICOMDIR:
        yield _below(source.parent)
    elif is_archive(source):
        with _unpacked(source) as folder:
            yield _below(folder)
    else:
        yield [path for path in _of_folder(source.parent, is_hidden(source)) if path.is_file()]


def missing_of(files: Sequence[Path], found: Collection[str]) -> Counter[str]:
    """Count for each SeriesInstanceUID the images that a DICOMDIR names and that are not there.

    Args:
        files: all of the source.
        found: SOPInstanceUID of the images among them; their names may have been changed.
    """
    import pydicom

    missing: Counter[str] = Counter()
    for path in files:
        if path.name.upper() != DICOMDIR:
            continue
        try:
            index = pydicom.dcmread(path)
            missing.update(series for series, uid in _indexed(index) if uid not in found)
        except Exception:  # noqa: S112  an index that cannot be read misses nothing
            continue
    return missing


def _indexed(index: Any) -> Iterator[tuple[str, str]]:
    """Give SeriesInstanceUID and SOPInstanceUID of each image that an index names (PS3.3 F)."""
    records = {record.seq_item_tell: record for record in index.DirectoryRecordSequence}
    for series in records.values():
        if series.DirectoryRecordType != "SERIES":
            continue
        image = records.get(series.OffsetOfReferencedLowerLevelDirectoryEntity)
        seen: set[int] = set()
        while image is not None and image.seq_item_tell not in seen:
            seen.add(image.seq_item_tell)
            uid = image.get("ReferencedSOPInstanceUIDInFile")
            if uid and image.DirectoryRecordType == "IMAGE":
                yield str(series.SeriesInstanceUID), str(uid)
            image = records.get(image.OffsetOfTheNextDirectoryRecord)


def _below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
    return [path for path in found if path.is_file()]


def _raise(error: OSError) -> None:
    raise error


def is_hidden(path: Path) -> bool:
    """Tell by the dot that its name begins with."""
    return path.name.startswith(".")


def _of_folder(folder: Path, with_hidden: bool) -> list[Path]:
    return sorted(path for path in folder.iterdir() if with_hidden or not is_hidden(path))


@contextmanager
def _unpacked(archive: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mactfusion-"))
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [each for each in opened.infolist() if not each.is_dir()]
            _check_room(archive, members, folder)
            places: dict[str, Path] = {}
            for number, member in enumerate(members):
                name = Path(member.filename)
                if name.name.startswith("."):
                    continue
                place = places.setdefault(str(name.parent), folder / f"{len(places):04d}")
                place.mkdir(exist_ok=True)
                suffix = name.suffix[:8]
                target = place / f"{number:06d}{suffix if suffix[1:].isalnum() else ''}"
                if name.name.upper() == DICOMDIR:
                    target = place / DICOMDIR
                _unpack(opened, member, target)
        yield folder
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        reason = "it is locked with a password" if "password" in str(error) else "it is damaged"
        raise InputError(f"{archive} cannot be unpacked: {reason}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Copy what was announced and no more."""
    left = member.file_size
    with opened.open(member) as stream, target.open("wb") as file:
        while block := stream.read(_BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                raise zipfile.BadZipFile
            file.write(block)


def _check_room(archive: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    needed = sum(member.file_size for member in members)
    free = shutil.disk_usage(folder).free
    if needed > _ROOM_LEFT * free:
        raise InputError(
            f"{archive} unpacks to {needed / 2**30:.1f} GB, and {folder.parent} has"
            f" {free / 2**30:.1f} GB free; unpack it elsewhere and give the folder"
        )
