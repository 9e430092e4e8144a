"""Where a text header says that voxels are stored: checked before any library takes them.

ITK reads a damaged or short compressed stream as if it were whole, and fills up what is missing
with what happens to lie in memory.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

import numpy as np

from mactfusion.errors import InputError, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Encoding = Literal["raw", "text", "zlib", "gzip"]

_BLOCK_BYTES = 2**20
_LONGEST_END = 2
"""Bytes after the voxels that nobody is told of: a line's end."""


@dataclass(frozen=True)
class StoredVoxels:
    """Voxels in one or more files.

    Attributes:
        files: all that hold voxels, each an equal part of them.
        skip: where they begin in each file, in bytes; counted from the end where it is -1.
        encoding: how they are stored.
        dtype: of a number.
        count: of numbers in all.
        stored_bytes: of a compressed stream, where the header tells.
        skip_inside: bytes before the voxels in what a compressed stream holds.
    """

    files: tuple[Path, ...]
    skip: int
    encoding: Encoding
    dtype: np.dtype
    count: int
    stored_bytes: int | None = None
    skip_inside: int = 0

    @property
    def bytes(self) -> int:
        """Of all voxels, not compressed."""
        return self.count * self.dtype.itemsize


def check_stored(voxels: StoredVoxels, name: str) -> None:
    """Refuse voxels that are not all there, or are damaged; say what is left over.

    Args:
        voxels: where they are.
        name: how messages call the volume.

    Raises:
        InputError: a file is missing or too short; a compressed stream is damaged, or holds
            fewer voxels than the header says; text is no numbers of the type.
    """
    for file in voxels.files:
        if not file.is_file():
            raise InputError(f"{name} cannot be read: its data file {file.name} is missing")
    if voxels.encoding == "raw":
        left_over = _check_raw(voxels, name)
    else:
        check = _check_text if voxels.encoding == "text" else _check_compressed
        with voxels.files[0].open("rb") as stream:
            stream.seek(voxels.skip)
            left_over = check(stream, voxels, name)
    if left_over > _LONGEST_END:
        warn(
            f"{name}: {left_over} bytes follow the voxels that its header tells of; check that its"
            " size and type are right"
        )


def _check_raw(voxels: StoredVoxels, name: str) -> int:
    needed = voxels.bytes // len(voxels.files)
    left_over = 0
    for file in voxels.files:
        there = file.stat().st_size - max(voxels.skip, 0)
        if there < needed or voxels.bytes % len(voxels.files):
            raise _too_short(name, max(there, 0), needed, file)
        left_over += 0 if voxels.skip < 0 else there - needed
    return left_over


def _check_text(file: BinaryIO, voxels: StoredVoxels, name: str) -> int:
    words = file.read().split()
    refusal = InputError(f"{name} cannot be read: its voxels are not all numbers of its type")
    if len(words) < voxels.count:
        raise InputError(
            f"{name} is incomplete: it holds {len(words)} voxels, its header says {voxels.count}"
        )
    try:
        values = np.array([float(word) for word in words[: voxels.count]])
    except ValueError as error:
        raise refusal from error
    if voxels.dtype.kind in "iu":
        limits = np.iinfo(voxels.dtype)
        inside = (values >= limits.min) & (values <= limits.max) & (values == np.rint(values))
        if not inside.all():
            raise refusal
    return len(words) - voxels.count


def _check_compressed(file: BinaryIO, voxels: StoredVoxels, name: str) -> int:
    there = 0
    try:
        for block in _decompressed(file, voxels):
            there += len(block)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(
            f"{name} cannot be read: its compressed voxels are damaged or incomplete; copy or"
            " export it again"
        ) from error
    there -= voxels.skip_inside
    if there < voxels.bytes:
        raise _too_short(name, max(there, 0), voxels.bytes, voxels.files[0])
    return there - voxels.bytes


def _decompressed(file: BinaryIO, voxels: StoredVoxels) -> Iterator[bytes]:
    """Blocks of what a compressed stream holds; an exception where it is damaged."""
    if voxels.encoding == "gzip":
        with gzip.open(file) as stream:
            while block := stream.read(_BLOCK_BYTES):
                yield block
        return
    left = cast("int", voxels.stored_bytes)
    decompressor = zlib.decompressobj()
    while left and not decompressor.eof:
        block = file.read(min(_BLOCK_BYTES, left))
        if not block:
            break
        left -= len(block)
        pending = block
        while pending:
            yield decompressor.decompress(pending, _BLOCK_BYTES)
            pending = decompressor.unconsumed_tail
    if left or not decompressor.eof or decompressor.unused_data:
        raise EOFError


def _too_short(name: str, there: int, needed: int, file: Path) -> InputError:
    where = "" if str(file) == name else f" in {file.name}"
    return InputError(
        f"{name} is incomplete: {there} bytes of voxels{where} where its header says {needed};"
        " copy or export it again"
    )
