"""Stored values of a file, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from mactfusion.io.dicom.header import encoding_of

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from mactfusion.io.dicom.frame import Frame

MEASURED = ("CT", "PT", "NM", "RTDOSE")
"""Modalities whose values are quantities: MONOCHROME1 says how they are shown, no more."""


class Stored:
    """The planes of one file as they are stored.

    Args:
        path: the file.

    Attributes:
        header: all of it.
        planes: ``(frames, rows, columns)``.
        is_padding: likewise, bool, where nothing was measured; None where that is nowhere.
        is_inverted: white stands for small values.
    """

    def __init__(self, path: Path) -> None:
        dataset = pydicom.dcmread(path, force=True)
        _name_syntax(dataset)
        _fill_in(dataset)
        pixels = dataset.pixel_array
        self.planes = _without_unused_bits(pixels.reshape(-1, *pixels.shape[-2:]), dataset)
        self.is_padding = _padding(self.planes, dataset)
        self.is_inverted = is_inverted(dataset)
        if self.is_inverted:
            self.planes = _inverted(self.planes, dataset)
        for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
            if keyword in dataset:
                del dataset[keyword]
        self.header = dataset

    def values(self, frame: Frame) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the values of a plane, float64, and where they are padding.

        Args:
            frame: of this file.

        Returns:
            ``(rows, columns)`` each; None where nothing is padding.
        """
        image, (row, column) = frame.image, frame.corner
        part = (frame.number, slice(row, row + image.rows), slice(column, column + image.columns))
        values = self.planes[part].astype(np.float64)
        values *= 1.0 if frame.slope is None else frame.slope
        values += frame.intercept
        padding = None if self.is_padding is None else self.is_padding[part]
        return values, padding if padding is not None and padding.any() else None


def is_inverted(header: Dataset) -> bool:
    """Tell whether white stands for small values of an image that is no measurement."""
    photometric = str(header.get("PhotometricInterpretation") or "")
    return photometric == "MONOCHROME1" and str(header.get("Modality") or "") not in MEASURED


def _fill_in(dataset: Dataset) -> None:
    """Give what describes the pixels its usual value where it is missing."""
    bits = int(dataset.get("BitsAllocated") or 16)
    stored = int(dataset.get("BitsStored") or bits)
    usual = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": stored,
        "HighBit": stored - 1,
        "PixelRepresentation": 0,
    }
    for keyword, value in usual.items():
        if dataset.get(keyword) in (None, ""):
            setattr(dataset, keyword, value)


def _name_syntax(dataset: Dataset) -> None:
    """Old files do not say how they are encoded; reading them has found out."""
    if "TransferSyntaxUID" in dataset.file_meta:
        return
    is_implicit, is_little = encoding_of(dataset)
    if is_implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    else:
        dataset.file_meta.TransferSyntaxUID = (
            ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        )


def _without_unused_bits(pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """Bits beyond BitsStored may hold anything, an overlay or no sign (PS3.5 8.1.1)."""
    if pixels.dtype.kind == "f":
        return pixels
    allocated, stored = pixels.dtype.itemsize * 8, int(header.get("BitsStored") or 0)
    if not 0 < stored < allocated:
        return pixels
    lowest = int(header.get("HighBit") or stored - 1) + 1 - stored
    left = allocated - stored - max(lowest, 0)
    return np.right_shift(np.left_shift(pixels, left), allocated - stored)


def _inverted(planes: np.ndarray, header: Dataset) -> np.ndarray:
    if planes.dtype.kind == "f":
        return -planes
    bits = int(header.get("BitsStored") or planes.dtype.itemsize * 8)
    if planes.dtype.kind == "u":
        return np.array(2**bits - 1, planes.dtype) - planes
    return np.array(-1, planes.dtype) - planes


def _padding(planes: np.ndarray, header: Dataset) -> np.ndarray | None:
    """Find PixelPaddingValue, up to PixelPaddingRangeLimit where there is one (C.7.5.1.1.2)."""
    value, limit = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if value is None or planes.dtype.kind == "f":
        return None
    bits = planes.dtype.itemsize * 8
    first = _as_stored(value, bits, planes.dtype)
    last = first if limit is None else _as_stored(limit, bits, planes.dtype)
    low, high = min(first, last), max(first, last)
    found = planes == low if low == high else (planes >= low) & (planes <= high)
    return found if found.any() else None


def _as_stored(value: Any, bits: int, dtype: np.dtype[Any]) -> int:
    """The tag may be written with a sign or without one, whatever the pixels are."""
    number = int(value) % 2**bits
    return number - 2**bits if dtype.kind == "i" and number >= 2 ** (bits - 1) else number
