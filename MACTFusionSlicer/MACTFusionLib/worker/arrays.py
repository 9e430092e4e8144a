"""Arrays as ``.npy`` files, written and read in pieces; no piece is larger than one asks for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def header_of(shape: tuple, dtype: np.dtype) -> bytes:
    """Return the beginning of a ``.npy`` file, before the voxels."""
    buffer = io.BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def pieces_of(array: Callable[[], np.ndarray], largest: int) -> Iterator[Any]:
    """Cut an array into pieces of its ``.npy`` file.

    Args:
        array: returns the array, anew for each slab as its memory may move; ``(K, J, I[, 3])``.
        largest: bytes of a piece at most, besides the beginning of the file.
    """
    whole = array()
    head, count = header_of(whole.shape, whole.dtype), len(whole)
    slab = max(1, largest * count // max(1, whole.nbytes))
    del whole
    for start in range(0, count, slab):
        voxels = memoryview(np.ascontiguousarray(array()[start : start + slab])).cast("B")
        if head:  # with few voxels, as they are copied
            yield head + bytes(voxels[:_FIRST])
            head, voxels = b"", voxels[_FIRST:]
        for offset in range(0, len(voxels), largest):
            yield voxels[offset : offset + largest]


_FIRST = 2**18
"""Bytes."""


class Arriving:
    """An array that comes in pieces.

    Args:
        head: the first bytes of the file, or all of it.
        allocate: makes an array of a shape and a type.

    Attributes:
        array: its voxels so far.
        voxels: its memory, to be filled.
        filled: bytes of it that have come.

    Raises:
        ValueError: that is no ``.npy`` file in C order, or one of Python objects.
    """

    def __init__(self, head: bytes, allocate: Callable[..., np.ndarray] = np.empty) -> None:
        file = io.BytesIO(head)
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read(file)
        if dtype.hasobject or (is_fortran and len(shape) > 1):
            raise ValueError(dtype.str)  # whoever asked says it in words
        self.array = allocate(shape, dtype)
        self.voxels = memoryview(self.array.reshape(-1)).cast("B")
        rest = head[file.tell() :]
        self.filled = len(rest)
        self.voxels[: len(rest)] = rest
