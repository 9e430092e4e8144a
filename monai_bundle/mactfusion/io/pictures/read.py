"""Any 2-D picture becomes a volume of one slice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mactfusion.errors import InputError, warn
from mactfusion.io.guard import guarded, silenced
from mactfusion.io.memory import check_memory
from mactfusion.io.pictures.png import png_pixels
from mactfusion.io.pictures.tiff import is_tiff, tiff_pixels
from mactfusion.io.pictures.turn import ORIENTATION, checked_orientation, turned
from mactfusion.io.volume import make_volume

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor
    from PIL.ImageFile import ImageFile

PICTURE_AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
"""First index: column, running to patient left. Second: row, running to posterior. 1 mm pixels."""

_PIXELS_PER_BYTE = {"JPEG": 512, "PNG": 8 * 1032}
"""At most: JPEG has a bit for each block of 8 x 8, and libjpeg makes grey of what is missing;
Deflate packs 1032 bytes into one, and a pixel has a bit."""

_REFUSED_MODES = {
    "1": "is a black-and-white mask (1 bit a pixel), not an image to fuse",
    "CMYK": "is a CMYK picture; save it as RGB or grey",
    "LAB": "is a CIELAB picture; save it as RGB or grey",
    "HSV": "is an HSV picture; save it as RGB or grey",
}


def read_picture(path: Path) -> MetaTensor:
    """Read a grey or colour picture as a volume of one slice.

    A palette becomes RGB; all bits are kept; alpha is premultiplied; what EXIF or TIFF say of its
    orientation is followed.

    Args:
        path: ``.png``, ``.tif``, ``.tiff``, ``.jpg`` or ``.jpeg``.

    Returns:
        ``(C, width, height, 1)`` with `PICTURE_AFFINE`, see `make_volume`.

    Raises:
        InputError: damaged file, several pages, CMYK, 1 bit a pixel, ...
    """
    sentences: list[str] = []
    with guarded(f"{path} cannot be read", prints=False):
        if is_tiff(path):
            pixels, stored, has_palette = tiff_pixels(path, sentences)
        else:
            pixels, has_palette = _pixels(path, sentences)
            stored = pixels.dtype.name
    for sentence in sentences:
        warn(f"{path}: {sentence}")
    return make_volume(
        pixels.swapaxes(0, 1)[:, :, None],
        PICTURE_AFFINE,
        name=str(path),
        source_dtype=stored,
        is_image=True,
        has_palette=has_palette,
    )


def _pixels(path: Path, sentences: list[str]) -> tuple[np.ndarray, bool]:
    """``(H, W)`` or ``(H, W, 3 or 4)`` of PNG or JPEG, upright; whether it has a palette."""
    with Image.open(path, formats=("PNG", "JPEG")) as picture:
        pages = getattr(picture, "n_frames", 1)
        if pages > 1:
            raise InputError(f"{path} holds {pages} pages; save one of them as a picture")
        if picture.mode in _REFUSED_MODES:
            raise InputError(f"{path} {_REFUSED_MODES[picture.mode]}")
        if math.prod(picture.size) > _PIXELS_PER_BYTE[str(picture.format)] * path.stat().st_size:
            width, height = picture.size
            raise InputError(
                f"{path} is incomplete: a file of its length cannot hold {width} x {height} pixels;"
                " copy or export it again"
            )
        check_memory((*picture.size, len(picture.getbands())), str(path))
        if picture.format == "PNG":
            # trainings read PNG while a progress bar writes on standard error
            pixels = png_pixels(picture, path)
        else:
            with silenced():
                pixels = np.asarray(picture.convert("L" if picture.mode == "L" else "RGB"))
        return turned(pixels, _orientation(picture, sentences)), picture.mode == "P"


def _orientation(picture: ImageFile, sentences: list[str]) -> int:
    try:
        value = picture.getexif().get(ORIENTATION)
    except Exception:
        sentences.append("its EXIF is damaged, so it was left as stored")
        return 1
    return checked_orientation(value, sentences)
