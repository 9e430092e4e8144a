"""Whether a volume fits into memory, asked before room is made for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import psutil

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTES_PER_VALUE = 8
"""A stored copy and one of float32."""


def check_memory(shape: Iterable[int], name: str) -> None:
    """Refuse a volume that is larger than the memory that is free.

    Args:
        shape: how many values there are along each axis.
        name: how the message calls the volume.

    Raises:
        InputError: there is not enough.
    """
    needed = math.prod(int(size) for size in shape) * BYTES_PER_VALUE
    free = psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"{name} needs {needed / 2**30:.0f} GB of memory, {free / 2**30:.0f} GB are free"
        )
