"""Pixels of PNG, of any depth, with what is transparent."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK
from PIL import Image

from mactfusion.errors import InputError
from mactfusion.io.guard import silenced

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.ImageFile import ImageFile

_RGB, _GREY_WITH_ALPHA, _RGB_WITH_ALPHA = 2, 4, 6
_HEADER = slice(8, 33)
"""Bytes of the first chunk: length, name, width, height, depth, colours, three more, checksum."""


def png_pixels(picture: ImageFile, path: Path) -> np.ndarray:
    """Pixels as stored.

    Args:
        picture: the file, opened by Pillow, its pixels not loaded yet.
        path: the file.

    Returns:
        ``(H, W)``, or ``(H, W, 3 or 4)`` RGB or RGBA; a transparent key of grey or RGB is black,
        samples of 2 and 4 bits are spread over 8.

    Raises:
        InputError: 16-bit colour with a transparent key.
    """
    with Image.open(path) as again:
        again.verify()  # checksums of all chunks, which loading does not look at
    with path.open("rb") as file:
        depth, colours = file.read(_HEADER.stop)[24:26]
    picture.load()
    key = picture.info.get("transparency")
    if depth == 16 and colours == _GREY_WITH_ALPHA:
        grey, alpha = np.moveaxis(_deep_grey_with_alpha(path), -1, 0)
        return np.stack([grey, grey, grey, alpha], axis=-1)
    if depth == 16 and colours in (_RGB, _RGB_WITH_ALPHA):
        if key is not None:
            raise InputError(
                f"{path} has 16 bits a colour and names one of them transparent; save it without"
                " transparency"
            )
        with silenced():  # Pillow would halve the bits
            return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    if picture.mode == "P":
        return np.asarray(picture.convert("RGB" if key is None else "RGBA"))
    if picture.mode == "LA":
        return np.asarray(picture.convert("RGBA"))
    pixels = np.asarray(picture)
    if depth == 16:
        pixels = pixels.astype(np.uint16)  # before Pillow 11 they come in 32 bits
    if key is None:
        return pixels
    if picture.mode == "RGB":
        return np.where((pixels == key).all(axis=-1, keepdims=True), 0, pixels).astype(pixels.dtype)
    spread = 255 // (2**depth - 1) if depth < 8 else 1
    return np.where(pixels == key * spread, 0, pixels).astype(pixels.dtype)


def _deep_grey_with_alpha(path: Path) -> np.ndarray:
    """``(H, W, 2)`` uint16 of what Pillow and ITK read with 8 bits, or not at all.

    Its rows lie in the file as those of a picture with four samples of 8 bits.
    """
    content = bytearray(path.read_bytes())
    content[24:26] = 8, _RGB_WITH_ALPHA
    checked = content[_HEADER][4:-4]
    content[_HEADER.stop - 4 : _HEADER.stop] = struct.pack(">I", zlib.crc32(checked))
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture).view(">u2").astype(np.uint16)
