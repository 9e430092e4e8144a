"""Volumes and files on their way to the worker and back, with news of how far they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from .arrays import Arriving, header_of, pieces_of
from .carriers import SharedFolder, Wire, damaged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conversation import Steps

    Carrier = SharedFolder | Wire

TO_WORKER, FROM_WORKER = "hand over", "take over"
"""Stages of progress."""

_HEAD = 2**19


class Tally:
    """Counts bytes against the clock.

    Args:
        stage: :data:`TO_WORKER` or :data:`FROM_WORKER`.
        name: of the volume, for the user.
        total: bytes, None where that is not known.
    """

    def __init__(self, stage: str, name: str, total: int | None = None) -> None:
        self._stage, self._name, self._total = stage, name, total
        self._started = time.monotonic()

    def news(self, done: int) -> dict:
        """Return a ``progress`` reply of so many bytes."""
        spent_s = time.monotonic() - self._started
        left_s = spent_s * (self._total - done) / done if done and self._total else None
        return {
            "reply": "progress",
            "id": None,
            "stage": self._stage,
            "name": self._name,
            "done": done,
            "total": self._total,
            "slices_per_second": None,
            "seconds_left": left_s,
        }


def hand_over(
    carrier: Carrier, name: str, array: Callable[[], np.ndarray], title: str = ""
) -> Steps:
    """Steps: write an array as ``.npy`` file for the worker; half a file is removed.

    Args:
        carrier: brings it there.
        name: of the file.
        array: returns the array, see :func:`MACTFusionLib.worker.arrays.pieces_of`; called a last
            time when all was written. What it raises ends the steps.
        title: of the volume, for the user.

    Raises:
        WorkerError: there is no room for it.
    """
    voxels = array()
    begin = header_of(voxels.shape, voxels.dtype)
    tally = Tally(TO_WORKER, title, len(begin) + voxels.nbytes)
    is_long, done = voxels.nbytes > carrier.largest, 0
    del voxels
    try:
        for piece in pieces_of(array, carrier.largest):
            news = tally.news(done + len(piece)) if is_long else {}
            yield from carrier.write(name, done, piece, news)
            done += len(piece)
        array()
    except BaseException:  # also where nobody waits any more
        carrier.drop(name)
        raise


def take_over(
    carrier: Carrier,
    name: str,
    title: str = "",
    allocate: Callable[[tuple, np.dtype], np.ndarray] = np.empty,
) -> Steps:
    """Steps: read an array from the worker's folder, where nothing of it stays.

    Args:
        carrier: brings it here.
        name: of the file.
        title: of the volume, for the user.
        allocate: makes an array of a shape and a type.

    Returns:
        The array.

    Raises:
        WorkerError: it was damaged on its way.
    """
    try:
        head = memoryview(bytearray(min(_HEAD, carrier.largest)))
        count = yield from carrier.read(name, 0, head, {})
        try:
            arriving = Arriving(bytes(head[:count]), allocate)
        except (ValueError, KeyError, MemoryError) as error:
            raise damaged() from error
        total, begin = len(arriving.voxels), count - arriving.filled
        tally = Tally(FROM_WORKER, title, total)
        while arriving.filled < total:
            room = arriving.voxels[arriving.filled : arriving.filled + carrier.largest]
            is_long = total > carrier.largest
            news = tally.news(arriving.filled + len(room)) if is_long else {}
            came = yield from carrier.read(name, begin + arriving.filled, room, news)
            if came != len(room):
                raise damaged()
            arriving.filled += came
        return arriving.array
    finally:
        carrier.drop(name)


def send_file(carrier: Carrier, name: str, path: Path) -> Steps:
    """Steps: copy a file into the worker's folder.

    Raises:
        OSError: it cannot be read.
        WorkerError: there is no room for it.
    """
    tally, done = Tally(TO_WORKER, path.name, path.stat().st_size), 0
    try:
        with path.open("rb") as file:
            while piece := file.read(carrier.largest):
                done += len(piece)
                yield from carrier.write(name, done - len(piece), piece, tally.news(done))
    except BaseException:
        carrier.drop(name)
        raise


def fetch_file(carrier: Carrier, name: str, path: Path) -> Steps:
    """Steps: move a file from the worker's folder to a path; half a file is removed.

    Raises:
        OSError: it cannot be written.
        WorkerError: it is gone.
    """
    room, done, tally = memoryview(bytearray(carrier.largest)), 0, Tally(FROM_WORKER, path.name)
    try:
        with path.open("wb") as file:
            while count := (yield from carrier.read(name, done, room, tally.news(done))):
                file.write(room[:count])
                done += count
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        carrier.drop(name)
