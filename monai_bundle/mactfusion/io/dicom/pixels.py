"""Grey or RGB pixels as DICOM holds them, not compressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 2**32 - 2
"""Of one object's pixels: its length has 32 bits, and is even."""

_DEVICE_CLASS, _CREATED = 12, 24
"""Where four bytes of an ICC profile name the kind of device, and twelve the time it was made."""

_NO_TIME = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
"""2000-01-01, so that objects of nobody do not tell when they were made."""

_PIXEL_DATA = 0x7FE00010


def add_pixels(image: Dataset, pixels: NDArray[Any]) -> None:
    """Add pixels, and what says how to read them.

    Args:
        image: gets them.
        pixels: ``(rows, columns)`` uint16 grey or ``(rows, columns, 3)`` uint8 RGB; of several
            frames with their number in front.
    """
    is_color = pixels.dtype == np.uint8
    image.SamplesPerPixel = 3 if is_color else 1
    image.PhotometricInterpretation = "RGB" if is_color else "MONOCHROME2"
    image.Rows, image.Columns = pixels.shape[-3:-1] if is_color else pixels.shape[-2:]
    bits = 8 if is_color else 16
    image.BitsAllocated = image.BitsStored = bits
    image.HighBit, image.PixelRepresentation = bits - 1, 0
    if is_color:
        image.PlanarConfiguration = 0
    values = pixels.tobytes() if is_color else pixels.astype("<u2").tobytes()
    image.add_new(_PIXEL_DATA, "OB" if is_color else "OW", values + b"\0" * (len(values) % 2))


def srgb_profile() -> bytes:
    """Return the ICC profile of RGB pixels: sRGB, as an input device (PS3.3 C.11.15.1.1)."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = _replaced(profile, _DEVICE_CLASS, b"scnr")
    return _replaced(profile, _CREATED, _NO_TIME)


def _replaced(whole: bytes, at: int, part: bytes) -> bytes:
    return whole[:at] + part + whole[at + len(part) :]


def full_window() -> Dataset:
    """Return the window that shows all grey levels of 16 bits, exactly (PS3.3 C.11.2.1.2.1)."""
    window = Dataset()
    window.WindowCenter, window.WindowWidth = "32768", "65536"
    return window
