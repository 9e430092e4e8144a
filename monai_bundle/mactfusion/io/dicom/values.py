"""Stored values of a file, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from mactfusion.errors import InputError
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
        sentences: what is to be said.

    Raises:
        InputError: the values may have a sign or none.
    """

    def __init__(self, path: Path) -> None:
        dataset = pydicom.dcmread(path, force=True)
        _name_syntax(dataset)
        tells_sign = dataset.get("PixelRepresentation") not in (None, "")
        _fill_in(dataset)
        if hasattr(dataset, "pixel_array_options"):  # pydicom 3 shifts, without regard to HighBit
            dataset.pixel_array_options(correct_unused_bits=False)
        pixels = dataset.pixel_array
        whole = pixels.reshape(-1, *pixels.shape[-2:])
        self.planes = _without_unused_bits(whole, dataset)
        if not tells_sign and _may_have_sign(self.planes, dataset):
            raise InputError(
                f"{path.name} lacks PixelRepresentation, which says whether its values have a sign;"
                " export it again"
            )
        self.sentences: list[str] = []
        self.is_padding = self._padding(whole, dataset)
        self._note_unused_bits(whole, dataset)
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
        padding = None if self.is_padding is None else self.is_padding[part]
        if padding is not None and not padding.any():
            padding = None
        if frame.slope == 0:
            measured = values if padding is None else values[~padding]
            if measured.size and measured.min() < measured.max():
                raise InputError(
                    f"{image.path.name} has a slope of 0, which makes all of its values the same;"
                    " export it again"
                )
        values *= 1.0 if frame.slope is None else frame.slope
        values += frame.intercept
        return values, padding

    def _padding(self, whole: np.ndarray, header: Dataset) -> np.ndarray | None:
        """Find PixelPaddingValue, up to PixelPaddingRangeLimit if there is one (C.7.5.1.1.2)."""
        if whole.dtype.kind == "f":
            return None
        ends = []
        for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
            value = header.get(keyword)
            if value is None or value == "":
                break
            end = _as_stored(value, whole.dtype)
            if end is None:
                self.sentences.append(
                    f"its {keyword} is no value that its pixels can have, and was passed over"
                )
                break
            ends.append(end)
        if not ends:
            return None
        low, high = min(ends), max(ends)
        found = whole == ends[0]  # which may lie beyond the bits that are stored
        found |= (self.planes >= low) & (self.planes <= high)
        return found if found.any() else None

    def _note_unused_bits(self, whole: np.ndarray, header: Dataset) -> None:
        """Say so where bits beyond those stored are no sign, no padding and no overlay."""
        if _has_overlay_in_pixels(header):
            return
        stored, lowest = _bits_of(whole, header)
        for frame, (before, after) in enumerate(zip(whole, self.planes, strict=True)):
            if before.dtype.kind == "f":
                return
            above = np.right_shift(before, lowest + stored)
            unused = (above != 0) & ((above != -1) | (after >= 0))
            unused |= before & (2**lowest - 1) != 0
            if self.is_padding is not None:
                unused &= ~self.is_padding[frame]
            if unused.any():
                self.sentences.append(
                    f"bits beyond the {stored} that its header tells of (BitsStored) are set and"
                    " were left out; if they belong to its values, its header is wrong"
                )
                return


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
    allocated = pixels.dtype.itemsize * 8
    stored, lowest = _bits_of(pixels, header)
    if pixels.dtype.kind == "f" or stored == allocated:
        return pixels
    return np.right_shift(np.left_shift(pixels, allocated - stored - lowest), allocated - stored)


def _bits_of(pixels: np.ndarray, header: Dataset) -> tuple[int, int]:
    """Return how many bits of pixels are stored, and how many lie below these."""
    allocated, stored = pixels.dtype.itemsize * 8, int(header.get("BitsStored") or 0)
    if not 0 < stored < allocated:
        return allocated, 0
    lowest = int(header.get("HighBit") or stored - 1) + 1 - stored
    return stored, min(max(lowest, 0), allocated - stored)


def _inverted(planes: np.ndarray, header: Dataset) -> np.ndarray:
    if planes.dtype.kind == "f":
        return -planes
    bits = int(header.get("BitsStored") or planes.dtype.itemsize * 8)
    if planes.dtype.kind == "u":
        return np.array(2**bits - 1, planes.dtype) - planes
    return np.array(-1, planes.dtype) - planes


def _as_stored(value: Any, dtype: np.dtype[Any]) -> int | None:
    """The tag may be written with a sign or without one, whatever the pixels are.

    Returns:
        The value as pixels have it; None where they cannot.
    """
    bits = dtype.itemsize * 8
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not -(2 ** (bits - 1)) <= number < 2**bits:
        return None
    number %= 2**bits
    return number - 2**bits if dtype.kind == "i" and number >= 2 ** (bits - 1) else number


def _may_have_sign(planes: np.ndarray, header: Dataset) -> bool:
    """Tell whether values would be others with a sign: those that have the highest bit."""
    if planes.dtype.kind == "f":
        return False
    stored, _ = _bits_of(planes, header)
    return bool((planes >= 2 ** (stored - 1)).any())


def _has_overlay_in_pixels(header: Dataset) -> bool:
    """Tell of overlays among the bits of pixels, as they were until 2004 (60xx,0102)."""
    return any((group, 0x0102) in header for group in range(0x6000, 0x6020, 2))
