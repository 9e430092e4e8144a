"""Pixels of TIFF: any type of samples, in strips, tiles or planes.

tifffile gives samples as they are stored, and decodes what needs no further library; of the other
compressions Pillow and ITK decode those pictures of which they keep all bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK
import tifffile
from PIL import Image

from mactfusion.errors import InputError
from mactfusion.io.guard import silenced
from mactfusion.io.memory import check_memory
from mactfusion.io.pictures.turn import ORIENTATION, checked_orientation, turned

if TYPE_CHECKING:
    from pathlib import Path

_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_REFUSED = {
    4: "is a mask, not an image to fuse",
    5: "is a CMYK picture; save it as RGB or grey",
    **dict.fromkeys((8, 9, 10), "is a CIELAB picture; save it as RGB or grey"),
    **dict.fromkeys((32803, 34892), "is the raw picture of a camera; save it as RGB or grey"),
}
_SAMPLES = {
    _WHITE_IS_ZERO: (1, 2),
    _BLACK_IS_ZERO: (1, 2),
    _RGB: (3, 4),
    _PALETTE: (1,),
    _YCBCR: (3,),
}
_DECODED_BY_TIFFFILE = (1, 8, 32946, 32773)
"""Nothing, Deflate in both numbers, PackBits."""

_LZW = 5
_PREMULTIPLIED, _ALPHA = 1, 2


def is_tiff(path: Path) -> bool:
    """Whether a file begins as TIFF or BigTIFF does."""
    with path.open("rb") as file:
        return file.read(4) in _BEGINNINGS


def tiff_pixels(path: Path, sentences: list[str]) -> tuple[np.ndarray, str, bool]:
    """Pixels as they are meant to be seen: black is low, and the picture is upright.

    Args:
        path: the file.
        sentences: gets what must be said of the picture.

    Returns:
        ``(H, W)``, or ``(H, W, 3 or 4)`` RGB or RGBA; the type stored in the file; whether it
        stored indices of colours.

    Raises:
        InputError: several pages, 1 bit a pixel, a colour model or compression that is not read.
    """
    with tifffile.TiffFile(path) as file:
        pages = max(len(file.pages), int((file.imagej_metadata or {}).get("images", 1)))
        if pages > 1:
            raise InputError(f"{path} holds {pages} pages; save one of them as a picture")
        page: Any = file.pages[0]
        _check_kind(page, path)
        check_memory((page.imagelength, page.imagewidth, page.samplesperpixel), str(path))
        orientation_tag = page.tags.get(ORIENTATION)
        orientation = checked_orientation(orientation_tag and orientation_tag.value, sentences)
        if page.compression in _DECODED_BY_TIFFFILE and page.photometric != _YCBCR:
            _check_segments(page, path)
            stored = _samples(page)
            pixels = turned(_shown(stored, page, path, sentences), orientation)
        elif _needs_itk(page):
            pixels = _by_itk(page, path, orientation)
        else:
            pixels = _by_pillow(page, path, orientation, sentences)
        if pixels.dtype == np.float16:
            pixels = pixels.astype(np.float32)
        return pixels, page.dtype.name, page.photometric == _PALETTE


def _check_kind(page: Any, path: Path) -> None:
    if page.photometric in _REFUSED:
        raise InputError(f"{path} {_REFUSED[page.photometric]}")
    if page.photometric not in _SAMPLES:
        raise InputError(f"{path} is of a colour model that is not read; save it as RGB or grey")
    if page.bitspersample == 1:
        raise InputError(f"{path} is a black-and-white mask (1 bit a pixel), not an image to fuse")
    if page.dtype is None or (page.bitspersample % 8 and page.bitspersample not in (2, 4)):
        raise InputError(
            f"{path} has samples of {page.bitspersample} bits; save it with 8, 16 or 32"
        )
    if page.dtype.kind not in "iuf":
        raise InputError(f"{path} holds complex numbers; save its magnitude as a picture first")
    if page.samplesperpixel not in _SAMPLES[page.photometric] or page.imagedepth != 1:
        raise InputError(
            f"{path} has {page.samplesperpixel} samples a pixel; save it as RGB or grey"
        )
    if page.photometric == _WHITE_IS_ZERO and page.dtype.kind != "u":
        raise InputError(
            f"{path} says that white is 0 and has samples below 0 or floating-point ones; save it"
            " with black as 0"
        )


def _check_segments(page: Any, path: Path) -> None:
    """Refuse missing strips or tiles, which tifffile would fill with zeros."""
    length = path.stat().st_size
    offsets, counts = page.dataoffsets, page.databytecounts
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    is_whole = (
        page.shaped[0] == planes
        and len(offsets) == len(counts) == np.prod(page.chunked, dtype=int)
        and min(counts) > 0
        and min(offsets) > 0
        and all(start + count <= length for start, count in zip(offsets, counts, strict=True))
        and (page.compression != 1 or sum(counts) * 8 >= _bits(page))
    )
    if not is_whole:
        raise InputError(f"{path} is incomplete, its pixels end early; copy or export it again")


def _bits(page: Any) -> int:
    samples = page.imagelength * page.imagewidth * page.samplesperpixel
    return int(samples) * int(page.bitspersample)


def _samples(page: Any) -> np.ndarray:
    """``(H, W, samples)`` as stored."""
    planes = page.asarray(squeeze=False)[:, 0]
    return np.moveaxis(planes, 0, -1)[..., 0, :] if len(planes) > 1 else planes[0]


def _shown(samples: np.ndarray, page: Any, path: Path, sentences: list[str]) -> np.ndarray:
    """Black as 0, colours looked up; ``(H, W)``, or ``(H, W, 3 or 4)``."""
    if page.photometric == _PALETTE:
        return _looked_up(samples[..., 0], page, path)
    bits = page.bitspersample
    if bits < 8:
        samples = samples.astype(np.uint8) * np.uint8(255 // (2**bits - 1))
    if page.photometric == _WHITE_IS_ZERO:
        samples = np.concatenate(
            [np.iinfo(samples.dtype).max - samples[..., :1], samples[..., 1:]], -1
        )
    colours = 3 if page.photometric == _RGB else 1
    colour, extra = samples[..., :colours], samples[..., colours:]
    if extra.shape[-1]:
        kind = int(page.extrasamples[0]) if page.extrasamples else 0
        if kind == _ALPHA:
            return np.concatenate([colour] * (3 // colours) + [extra], axis=-1)
        if kind != _PREMULTIPLIED:
            sentences.append("a sample of each pixel that is no colour was left out")
    return colour if colours == 3 else colour[..., 0]


def _looked_up(indices: np.ndarray, page: Any, path: Path) -> np.ndarray:
    palette = page.colormap
    if palette is None or indices.dtype.kind != "u" or indices.max() >= palette.shape[1]:
        raise InputError(f"{path} has a palette that is damaged; save it as RGB or grey")
    if palette.max() < 256:  # written by programs that knew 8 bits alone
        palette = palette.astype(np.uint8)
    elif not (palette % 257).any() or not (palette % 256).any():
        palette = (palette >> 8).astype(np.uint8)
    return np.moveaxis(palette[:, indices], 0, -1)


def _needs_itk(page: Any) -> bool:
    return page.photometric == _RGB and page.bitspersample == 16


def _by_itk(page: Any, path: Path, orientation: int) -> np.ndarray:
    if (
        page.compression != _LZW
        or page.planarconfig != 1
        or orientation != 1
        or page.dtype.kind != "u"
        or (page.samplesperpixel > 3 and page.extrasamples != (_ALPHA,))
    ):
        raise _unread_compression(page, path)
    with silenced():
        return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def _by_pillow(page: Any, path: Path, orientation: int, sentences: list[str]) -> np.ndarray:
    is_grey = page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    if page.bitspersample > 8 and not (is_grey and page.samplesperpixel == 1):
        raise _unread_compression(page, path)
    with silenced(), Image.open(path) as opened:
        opened.load()
        # Pillow turns some pictures itself, and takes away their tag
        has_turned = orientation != 1 and opened.getexif().get(ORIENTATION) is None
        picture: Image.Image = opened
        if picture.mode in ("P", "YCbCr"):
            picture = picture.convert("RGB")
        elif picture.mode == "LA":
            picture = picture.convert("RGBA")
        pixels = np.asarray(picture)
    if picture.mode == "RGBX":
        sentences.append("a sample of each pixel that is no colour was left out")
        pixels = pixels[..., :3]
    elif picture.mode not in ("L", "RGB", "RGBA", "I", "I;16", "I;16B", "F"):
        raise _unread_compression(page, path)
    if is_grey and page.samplesperpixel == 1:
        stored = np.dtype(np.uint8) if page.bitspersample < 8 else page.dtype.newbyteorder("=")
        pixels = pixels.astype(stored)  # what Pillow took for signed or unsigned is what it was
        if page.photometric == _WHITE_IS_ZERO and page.bitspersample > 8:
            pixels = np.iinfo(stored).max - pixels
    return pixels if has_turned else turned(pixels, orientation)


def _unread_compression(page: Any, path: Path) -> InputError:
    return InputError(
        f"{path} is compressed ({page.compression.name}) in a way that is not read for its"
        f" {page.samplesperpixel} samples of {page.bitspersample} bits; save it uncompressed"
    )
