"""SHA-256 of what was read: inputs and weights."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mactfusion.io.formats import ITK_EXTENSIONS, PAIR_EXTENSIONS, extension_of, pair_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLOCK_BYTES = 2**20
_NAMES_OF_DATA = re.compile(rb"(?ims)^(?:ElementDataFile\s*=|data ?file:)(.*)")


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, with the data files that the header of a MetaImage or NRRD names.

    Args:
        path: the file; its header may name files beside it, one a line, without patterns. Of a
            NIfTI pair the other file counts too.
    """
    path = Path(path)
    return sha256_of_files([path, *_detached_data(path)])


def sha256_of_files(files: Iterable[Path]) -> str:
    """SHA-256 of several files as if they were one, such as a header and its data."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def sha256_of_set(files: Iterable[Path]) -> str:
    """SHA-256 of a volume, whatever its files are called and in which order they come.

    Args:
        files: the only file, whose digest is returned; or the images of a DICOM series, of whose
            digests in alphabetical order the digest is returned. So a series has one digest in a
            folder, in a ZIP, and under other names.
    """
    digests = sorted(sha256_of_files([file]) for file in files)
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode("ascii")).hexdigest()


def _is_below(name: str) -> bool:
    """Whether a data file lies beside its header, or in a folder below."""
    return bool(name) and not Path(name).is_absolute() and ".." not in Path(name).parts


def _detached_data(path: Path) -> list[Path]:
    if extension_of(path) in PAIR_EXTENSIONS:
        return [file for file in pair_of(path) if file.name != path.name and file.is_file()]
    if extension_of(path) not in ITK_EXTENSIONS:
        return []
    with path.open("rb") as stream:
        found = _NAMES_OF_DATA.search(stream.read(_BLOCK_BYTES))
    if found is None:
        return []
    # after LIST come the names, one a line; what follows a single name is no name of a file
    names = [os.fsdecode(line.strip()).removeprefix("./") for line in found[1].splitlines()]
    beside = [path.parent / name for name in names if _is_below(name)]
    # unlike that of Path, this is_file takes any text, such as a line of voxels, for a name
    return [file for file in beside if os.path.isfile(file)]  # noqa: PTH113
