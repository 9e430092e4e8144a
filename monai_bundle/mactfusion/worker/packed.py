"""Headers of DICOM files in, and the files of a series out, each as one ZIP in the worker's folder.

For who does not share a disk with the worker.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from typing import TYPE_CHECKING

from mactfusion.worker.protocol import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIZES = "sizes.json"
"""Says how many bytes each file has; a header alone is shorter."""

_MOST_FILES = 20_000
_LARGEST_HEADER = 2**26
_NAME = re.compile(r"([0-4])/(\d{1,5})")


def unpack_headers(archive: Path, folder: Path) -> list[list[Path]]:
    """Unpack the headers of the sources as files of the size that the originals have.

    Args:
        archive: a ZIP with files ``0/0``, ``0/1``, … of the anatomical volume, ``1/0``, … of the
            first partner and so on, and ``sizes.json``, a list of numbers for each source. A header
            goes on for 12 bytes of the element that holds the pixels.
        folder: an empty one.

    Returns:
        The files of each source.

    Raises:
        RequestError: it is no such ZIP.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            sizes = json.loads(opened.read(SIZES))
            sources = [
                [_unpacked(opened, folder, f"{number}/{index}", size) for index, size in told]
                for number, told in enumerate(list(enumerate(each)) for each in sizes)
            ]
            count = sum(map(len, sources))
            if count != len(opened.namelist()) - 1 or count > _MOST_FILES:
                raise ValueError
    except (zipfile.BadZipFile, ValueError, TypeError, KeyError, EOFError, OSError) as error:
        raise RequestError("bad-request", "The headers of the sources cannot be read.") from error
    return sources


def _unpacked(opened: zipfile.ZipFile, folder: Path, name: str, size: int) -> Path:
    told = opened.getinfo(name)
    if not _NAME.fullmatch(name) or type(size) is not int or told.file_size > _LARGEST_HEADER:
        raise ValueError
    path = folder / f"{name}.dcm"
    path.parent.mkdir(exist_ok=True)
    with opened.open(told) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
        file.truncate(max(size, told.file_size))  # zeros that take no room
    return path


def pack(files: Iterable[Path], archive: Path) -> None:
    """Put files into a ZIP as they are, under their names.

    Raises:
        OSError: it cannot be written.
    """
    with zipfile.ZipFile(archive, "w") as packed:
        for file in files:
            packed.write(file, file.name)
