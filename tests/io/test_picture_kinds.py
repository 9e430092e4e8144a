"""PNG and JPEG of every kind: upright, all bits, what is transparent black; or one sentence."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (6, 8)
UPRIGHT = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: np.rot90,
}


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def write_png(
    path: Path, depth: int, colours: int, rows: list[bytes], *before: tuple[bytes, bytes]
) -> None:
    """A PNG of `SHAPE` by its chunks; ``before`` stand before the pixels."""
    header = struct.pack(">IIBBBBB", SHAPE[1], SHAPE[0], depth, colours, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunk(*each) for each in before)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def pixels_of(path: Path) -> np.ndarray:
    volume = read_volume(path).numpy()[..., 0].transpose(2, 1, 0)
    return volume[..., 0] if volume.shape[-1] == 1 else volume


def deep(channels: int = 1) -> np.ndarray:
    """``(H, W)`` or ``(H, W, C)`` uint16."""
    shape = SHAPE if channels == 1 else (*SHAPE, channels)
    return np.random.default_rng(0).integers(1, 65536, shape).astype(np.uint16)


def rows_of(pixels: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in pixels.astype(f">u{pixels.itemsize}")]


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["jpg", "png", "deep.png", "deep colour.png", "deep alpha.png"])
def test_pictures_are_turned_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / kind
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    stored: np.ndarray = deep()
    if kind in ("jpg", "png"):
        path = tmp_path / f"turned.{kind}"
        stored = np.kron([[0, 90, 200], [250, 30, 140]], np.ones((16, 16))).astype(np.uint8)
        Image.fromarray(stored).save(path, exif=exif, quality=100)
    elif kind == "deep.png":
        write_png(path, 16, 0, rows_of(stored), block)
    elif kind == "deep colour.png":
        stored = deep(3)
        write_png(path, 16, 2, rows_of(stored), block)
        stored = stored / 65535
    else:
        opaque = np.stack([stored, np.full_like(stored, 65535)], axis=-1)
        write_png(path, 16, 4, rows_of(opaque), block)
    expected = UPRIGHT[orientation](stored)
    np.testing.assert_allclose(pixels_of(path), expected, atol=3 if kind == "jpg" else 1e-6)


def test_orientation_of_text_metadata_is_followed(tmp_path: Path) -> None:
    words = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    block = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + words)
    write_png(tmp_path / "turned.png", 16, 0, rows_of(deep()), block)
    np.testing.assert_array_equal(pixels_of(tmp_path / "turned.png"), np.rot90(deep(), -1))


def test_damaged_exif_is_said(tmp_path: Path) -> None:
    block = (b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x63\0\0\0\0\0\0")
    write_png(tmp_path / "odd.png", 16, 0, rows_of(deep()), block)
    with pytest.warns(FusionWarning, match="orientation is none"):
        volume = read_volume(tmp_path / "odd.png")
    np.testing.assert_array_equal(volume[0, ..., 0].numpy().T, deep())


def test_grey_of_16_bits_with_alpha(tmp_path: Path) -> None:
    both = deep(2)
    both[0, 0, 1], both[1, 1, 1] = 0, 65535
    write_png(tmp_path / "la.png", 16, 4, rows_of(both))
    expected = both[..., 0] * (both[..., 1] / 65535)
    np.testing.assert_allclose(pixels_of(tmp_path / "la.png"), expected, rtol=1e-6)
    assert read_volume(tmp_path / "la.png").meta["source_dtype"] == "uint16"


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bits(tmp_path: Path, channels: int) -> None:
    stored = deep(channels)
    write_png(tmp_path / "deep.png", 16, {3: 2, 4: 6}[channels], rows_of(stored))
    alpha = stored[..., 3:] / 65535 if channels == 4 else 1
    expected = stored[..., :3] / 65535 * alpha
    np.testing.assert_allclose(pixels_of(tmp_path / "deep.png"), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_grey_level_may_be_transparent(tmp_path: Path, dtype: str) -> None:
    grey = (deep() // (257 if dtype == "uint8" else 1)).astype(dtype)
    grey[0] = 77
    write_png(
        tmp_path / "key.png", 8 * grey.itemsize, 0, rows_of(grey), (b"tRNS", struct.pack(">H", 77))
    )
    np.testing.assert_array_equal(pixels_of(tmp_path / "key.png"), np.where(grey == 77, 0, grey))


@pytest.mark.parametrize("depth", [2, 4])
def test_a_transparent_grey_level_of_few_bits(tmp_path: Path, depth: int) -> None:
    levels = np.random.default_rng(1).integers(0, 2**depth, SHAPE).astype(np.uint8)
    bits = np.unpackbits(levels[..., None], axis=-1)[..., 8 - depth :].reshape(SHAPE[0], -1)
    key = 2**depth - 1
    write_png(
        tmp_path / "key.png",
        depth,
        0,
        [np.packbits(row).tobytes() for row in bits],
        (b"tRNS", struct.pack(">H", key)),
    )
    spread = levels * (255 // (2**depth - 1))
    np.testing.assert_array_equal(
        pixels_of(tmp_path / "key.png"), np.where(levels == key, 0, spread)
    )


def test_a_colour_may_be_transparent(tmp_path: Path) -> None:
    stored = (deep(3) // 257).astype(np.uint8)
    key = (b"tRNS", struct.pack(">3H", *stored[2, 3].tolist()))
    write_png(tmp_path / "key.png", 8, 2, rows_of(stored), key)
    expected = stored / 255
    expected[2, 3] = 0
    np.testing.assert_allclose(pixels_of(tmp_path / "key.png"), expected, atol=1e-6)
    write_png(tmp_path / "deep.png", 16, 2, rows_of(deep(3)), key)
    with pytest.raises(InputError, match="names one of them transparent"):
        read_volume(tmp_path / "deep.png")


def test_palette_with_alpha(tmp_path: Path) -> None:
    indices = (np.arange(48).reshape(SHAPE) % 3).astype(np.uint8)
    palette, alpha = bytes([250, 10, 10, 20, 240, 30, 40, 50, 230]), bytes([255, 0, 128])
    write_png(tmp_path / "p.png", 8, 3, rows_of(indices), (b"PLTE", palette), (b"tRNS", alpha))
    colours = np.frombuffer(palette, np.uint8).reshape(3, 3) / 255
    expected = (colours * (np.frombuffer(alpha, np.uint8) / 255)[:, None])[indices]
    np.testing.assert_allclose(pixels_of(tmp_path / "p.png"), expected, atol=1e-6)


@pytest.mark.parametrize("where", ["IDAT", "IHDR", "last"])
def test_a_changed_byte_is_noticed(tmp_path: Path, where: str) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray((deep() // 257).astype(np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    place = {"IDAT": content.index(b"IDAT") + 12, "IHDR": 25, "last": len(content) - 20}[where]
    content[place] ^= 0x11
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(path)


def test_moving_pictures_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray((deep() // (257 + each)).astype(np.uint8)) for each in range(3)]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="3 pages"):
        read_volume(tmp_path / "moving.png")


def test_what_has_the_name_of_a_picture_alone(tmp_path: Path) -> None:
    Image.fromarray((deep() // 257).astype(np.uint8)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    with pytest.raises(InputError, match="not in the format of its name"):
        read_volume(tmp_path / "a.png")


def test_too_many_pixels_are_called_that(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    (tmp_path / "large.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match="too many pixels"):
        read_volume(tmp_path / "large.png")


def test_a_jpeg_that_claims_more_than_its_length_holds(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.fromarray((deep() // 257).astype(np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", 8000, 8000)
    path.write_bytes(content)
    with pytest.raises(InputError, match="8000 x 8000"):
        read_volume(path)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_is_nearly_black_is_read(tmp_path: Path, progressive: bool) -> None:
    black = np.zeros((2048, 2048), np.uint8)
    black[:16, :16] = 200
    Image.fromarray(black).save(
        tmp_path / "a.jpg", quality=5, optimize=True, progressive=progressive
    )
    assert read_volume(tmp_path / "a.jpg").shape == (1, 2048, 2048, 1)
