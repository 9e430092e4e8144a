"""2-D pictures: PNG, TIFF and JPEG."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK
from PIL import Image

from mactfusion.errors import InputError
from mactfusion.io.guard import guarded, silenced
from mactfusion.io.volume import make_volume

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor
    from PIL.ImageFile import ImageFile

PICTURE_AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
"""First index: column, running to patient left. Second: row, running to posterior. 1 mm pixels."""

_REFUSED_MODES = {
    "1": "is a black-and-white mask (1 bit a pixel), not an image to fuse",
    "CMYK": "is a CMYK picture; save it as RGB or grey",
    "LAB": "is a CIELAB picture; save it as RGB or grey",
    "HSV": "is an HSV picture; save it as RGB or grey",
}


def read_picture(path: Path) -> MetaTensor:
    """Read a grey or colour picture as a volume of one slice.

    A palette becomes RGB; 16 bits are kept; alpha is premultiplied.

    Args:
        path: ``.png``, ``.tif``, ``.tiff``, ``.jpg`` or ``.jpeg``.

    Returns:
        ``(C, width, height, 1)`` with `PICTURE_AFFINE`, see `make_volume`.

    Raises:
        InputError: damaged file, several pages, CMYK, 1 bit a pixel, ...
    """
    with guarded(f"{path} cannot be read", prints=False), Image.open(path) as picture:
        # trainings read PNG while a progress bar writes on standard error
        with nullcontext() if picture.format == "PNG" else silenced():
            array = _pixels(picture, path)
        has_palette = picture.mode in ("P", "PA")
    return make_volume(
        array.swapaxes(0, 1)[:, :, None],
        PICTURE_AFFINE,
        name=str(path),
        is_image=True,
        has_palette=has_palette,
    )


def _pixels(picture: ImageFile, path: Path) -> np.ndarray:
    """``(H, W)`` or ``(H, W, 3 or 4)`` as stored."""
    pages = getattr(picture, "n_frames", 1)
    if pages > 1:
        raise InputError(f"{path} holds {pages} pages; save one of them as a picture")
    if picture.mode in _REFUSED_MODES:
        raise InputError(f"{path} {_REFUSED_MODES[picture.mode]}")
    # Pillow would halve the bits of 16-bit colour
    has_deep_colour = picture.mode in ("RGB", "RGBA") and ";16" in str(picture.tile)
    picture.load()  # also for ITK: it takes a truncated JPEG without a word
    if has_deep_colour:
        with silenced():
            return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    has_alpha = "transparency" in picture.info or picture.mode in ("LA", "PA", "La")
    if picture.mode in ("P", "PA", "LA", "La", "YCbCr", "RGBX"):
        return np.asarray(picture.convert("RGBA" if has_alpha else "RGB"))
    array = np.asarray(picture)
    # before Pillow 11 a 16-bit PNG comes in 32 bits
    is_widened = picture.mode == "I" and array.max() <= np.iinfo(np.uint16).max
    return array.astype(np.uint16) if is_widened else array
