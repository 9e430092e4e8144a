"""Whether a file is still the one whose header was listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from mactfusion.io.dicom.frame import Image


def state_of(path: Path) -> tuple[int, int]:
    """Return the size in bytes and the time of the last change in nanoseconds."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def check_unchanged(image: Image, header: Dataset) -> None:
    """Refuse pixels of another file than the one that was listed.

    Args:
        image: from the listing.
        header: read together with the pixels, just now.

    Raises:
        InputError: the file was replaced or changed.
    """
    instance = str(header.get("SOPInstanceUID") or "").strip().strip("\0")
    if state_of(image.path) != image.state or instance != image.instance:
        raise InputError(
            f"{image.path} was changed while it was read; start again once nothing writes to it"
        )
