"""TIFF of any samples: the values that are stored, upright, or one true sentence."""

from __future__ import annotations

import warnings
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import SimpleITK
import tifffile
from PIL import Image

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

INTEGERS = ["int8", "int16", "int32", "uint8", "uint16", "uint32"]
TYPES = [*INTEGERS, "float16", "float32", "float64"]
SHAPE = (9, 13)


def ramp(dtype: str) -> np.ndarray:
    """``(H, W)``, no two pixels equal but of floats, over all that an integer can be."""
    steps = np.linspace(0, 1, SHAPE[0] * SHAPE[1])
    if dtype.startswith("float"):
        return (steps * 3000 - 1024).reshape(SHAPE).astype(dtype)
    limits = np.iinfo(dtype)
    return np.rint(limits.min + steps * (limits.max - limits.min)).reshape(SHAPE).astype(dtype)


def pixels_of(path: Path) -> np.ndarray:
    """``(H, W)``, or ``(H, W, 3)``."""
    volume = read_volume(path).numpy()[..., 0].transpose(2, 1, 0)
    return volume[..., 0] if volume.shape[-1] == 1 else volume


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", TYPES)
def test_grey_of_any_type(tmp_path: Path, dtype: str, byteorder: Any) -> None:
    path = tmp_path / "grey.tif"
    tifffile.imwrite(path, ramp(dtype), byteorder=byteorder, photometric="minisblack")
    np.testing.assert_array_equal(pixels_of(path), ramp(dtype).astype(np.float32))
    assert read_volume(path).meta["source_dtype"] == dtype


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"rowsperstrip": 2}, {"bigtiff": True}])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
def test_layouts_and_compressions(
    tmp_path: Path, dtype: str, layout: dict[str, Any], compression: str | None
) -> None:
    path = tmp_path / "grey.tif"
    pixels = np.tile(ramp(dtype), (4, 3))
    tifffile.imwrite(path, pixels, photometric="minisblack", compression=compression, **layout)
    np.testing.assert_array_equal(pixels_of(path), pixels)


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_in_one_plane_or_three(
    tmp_path: Path, dtype: str, planes: str, compression: str | None
) -> None:
    stored = np.stack([ramp(dtype), ramp(dtype)[::-1], ramp(dtype) // 3], axis=-1)
    laid = stored if planes == "contig" else np.moveaxis(stored, -1, 0)
    path = tmp_path / "rgb.tif"
    tifffile.imwrite(path, laid, photometric="rgb", planarconfig=planes, compression=compression)
    expected = stored / np.iinfo(dtype).max
    np.testing.assert_allclose(pixels_of(path), expected, atol=1e-6)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", None])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_what_pillow_compresses(tmp_path: Path, dtype: str, compression: str | None) -> None:
    path = tmp_path / "grey.tif"
    Image.fromarray(ramp(dtype)).save(path, compression=compression)
    np.testing.assert_array_equal(pixels_of(path), ramp(dtype).astype(np.float32))


@pytest.mark.parametrize(
    ("mode", "compression"),
    [
        *product(("RGB", "RGBA", "P", "L", "LA"), ("tiff_lzw", "tiff_deflate", "packbits")),
        *product(("RGB", "L"), ["jpeg"]),
    ],
)
def test_what_pillow_compresses_of_8_bits(tmp_path: Path, mode: str, compression: str) -> None:
    smooth = np.linspace(0, 250, 64).astype(np.uint8)
    colours = np.stack([np.tile(smooth, (48, 1)), np.tile(smooth[::-1], (48, 1))] * 2, axis=-1)
    colours[..., 3] = 255
    picture = Image.fromarray(colours).convert("RGB").convert(mode)
    picture.save(tmp_path / "a.tif", compression=compression)
    shown = np.asarray(picture.convert("L" if mode in ("L", "LA") else "RGB"))
    expected = shown if shown.ndim == 2 else shown / 255
    tolerance = (3 if shown.ndim == 2 else 0.03) if compression == "jpeg" else 1e-6
    np.testing.assert_allclose(pixels_of(tmp_path / "a.tif"), expected, atol=tolerance)


def test_colours_of_16_bits_in_lzw(tmp_path: Path) -> None:
    stored = np.stack([ramp("uint16"), ramp("uint16")[::-1], ramp("uint16") // 3], axis=-1)
    writer = SimpleITK.ImageFileWriter()
    writer.SetFileName(str(tmp_path / "a.tif"))
    writer.UseCompressionOn()
    writer.SetCompressor("LZW")
    writer.Execute(SimpleITK.GetImageFromArray(stored, isVector=True))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        assert file.pages[0].compression == 5
    np.testing.assert_allclose(pixels_of(tmp_path / "a.tif"), stored / 65535, atol=1e-6)


@pytest.mark.parametrize("compression", ["tiff_lzw", None])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_white_may_be_zero(tmp_path: Path, dtype: str, compression: str | None) -> None:
    path = tmp_path / "white.tif"
    if dtype == "uint32":
        tifffile.imwrite(path, ramp(dtype), photometric="minisblack")
    else:
        Image.fromarray(ramp(dtype)).save(path, compression=compression)
    np.testing.assert_array_equal(pixels_of(path), ramp(dtype).astype(np.float32))
    with tifffile.TiffFile(path, mode="r+") as file:
        assert compression is None or dtype == "uint32" or file.pages[0].compression == 5
        file.pages[0].tags["PhotometricInterpretation"].overwrite(0)
    inverted = (np.iinfo(dtype).max - ramp(dtype)).astype(np.float32)
    np.testing.assert_array_equal(pixels_of(path), inverted)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_white_as_zero_of_other_types_is_refused(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "white.tif", ramp(dtype), photometric="miniswhite")
    with pytest.raises(InputError, match="white is 0"):
        read_volume(tmp_path / "white.tif")


UPRIGHT = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("compression", ["tiff_lzw", None])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_turned(tmp_path: Path, orientation: int, dtype: str, compression: str | None) -> None:
    path = tmp_path / "turned.tif"
    if compression and dtype != "int16":
        Image.fromarray(ramp(dtype)).save(
            path, compression=compression, tiffinfo={274: orientation}
        )
    else:
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(path, ramp(dtype), photometric="minisblack", extratags=[tag])
    np.testing.assert_array_equal(pixels_of(path), UPRIGHT[orientation](ramp(dtype)))


def test_turned_colours(tmp_path: Path) -> None:
    stored = np.stack([ramp("uint16"), ramp("uint16")[::-1], ramp("uint16") // 2], axis=-1)
    tag = (274, "H", 1, 6, True)
    tifffile.imwrite(tmp_path / "turned.tif", stored, photometric="rgb", extratags=[tag])
    expected = np.rot90(stored, -1) / 65535
    np.testing.assert_allclose(pixels_of(tmp_path / "turned.tif"), expected, atol=1e-6)


def test_an_orientation_that_is_none_is_said(tmp_path: Path) -> None:
    tag = (274, "H", 1, 99, True)
    tifffile.imwrite(tmp_path / "grey.tif", ramp("uint8"), extratags=[tag])
    with pytest.warns(FusionWarning, match="orientation is none"):
        read_volume(tmp_path / "grey.tif")


@pytest.mark.parametrize("factor", [257, 256, 1, 199])
def test_palettes_of_8_and_16_bits(tmp_path: Path, factor: int) -> None:
    palette = (np.random.default_rng(0).integers(0, 256, (3, 256)) * factor).astype(np.uint16)
    indices = ramp("uint8")
    tifffile.imwrite(tmp_path / "palette.tif", indices, photometric="palette", colormap=palette)
    full_scale = {257: 65535, 256: 65280, 1: 255, 199: 65535}[factor]
    expected = np.moveaxis(palette[:, indices], 0, -1) / full_scale
    np.testing.assert_allclose(pixels_of(tmp_path / "palette.tif"), expected, atol=1e-6)
    assert read_volume(tmp_path / "palette.tif").meta["has_palette"] is True


@pytest.mark.parametrize(
    ("meaning", "factor"), [("unassalpha", 128 / 255), ("assocalpha", 1), ("unspecified", 1)]
)
def test_a_fourth_sample(tmp_path: Path, meaning: Any, factor: float) -> None:
    half = np.full(SHAPE, 128, np.uint8)
    stored = np.stack([ramp("uint8"), ramp("uint8")[::-1], ramp("uint8") // 2, half], axis=-1)
    path = tmp_path / "rgba.tif"
    tifffile.imwrite(path, stored, photometric="rgb", extrasamples=[meaning])
    if meaning == "unspecified":
        with pytest.warns(FusionWarning, match="no colour was left out"):
            read_volume(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FusionWarning)
        found = pixels_of(path)
    np.testing.assert_allclose(found, stored[..., :3] / 255 * factor, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_grey_with_alpha(tmp_path: Path, dtype: str) -> None:
    full = np.iinfo(dtype).max
    alpha = np.full(SHAPE, full, dtype)
    alpha[:, :5] = 0
    path = tmp_path / "la.tif"
    tifffile.imwrite(
        path,
        np.stack([ramp(dtype), alpha], axis=-1),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    np.testing.assert_allclose(pixels_of(path), np.where(alpha, ramp(dtype), 0), rtol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (ramp("uint8") > 100, {}, "black-and-white"),
        (np.zeros((3, *SHAPE), np.uint8), {"photometric": "minisblack"}, "3 pages"),
        (np.zeros((*SHAPE, 4), np.uint8), {"photometric": "separated"}, "CMYK"),
        (np.zeros((*SHAPE, 3), np.uint8), {"photometric": "cielab"}, "CIELAB"),
        (np.zeros((*SHAPE, 5), np.uint8), {"photometric": "rgb"}, "5 samples"),
        (ramp("float32").astype(np.complex64), {}, "complex"),
    ],
)
def test_what_is_no_picture_to_fuse(
    tmp_path: Path, pixels: np.ndarray, options: dict[str, Any], reason: str
) -> None:
    tifffile.imwrite(tmp_path / "other.tif", pixels, **options)
    with pytest.raises(InputError, match=reason) as error:
        read_volume(tmp_path / "other.tif")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("compression", [None, "zlib", "packbits"])
@pytest.mark.parametrize("dtype", ["int16", "uint8"])
def test_strips_that_are_missing_or_short_are_refused(
    tmp_path: Path, dtype: str, compression: str | None
) -> None:
    path = tmp_path / "short.tif"
    pixels = np.random.default_rng(0).integers(0, 100, (40, 50)).astype(dtype)
    if compression == "packbits":
        Image.fromarray(pixels.astype(np.uint8)).save(path, compression="packbits")
    else:
        tifffile.imwrite(path, pixels, compression=compression, rowsperstrip=10)
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[0].tags["StripByteCounts"]
        counts = np.atleast_1d(tag.value)
        tag.overwrite([int(count) // 2 for count in counts])
    with pytest.raises(InputError):
        read_volume(path)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["StripByteCounts"].overwrite([0] * len(counts))
    with pytest.raises(InputError, match="incomplete"):
        read_volume(path)


def test_sizes_that_no_file_of_this_length_holds(tmp_path: Path) -> None:
    path = tmp_path / "claims.tif"
    tifffile.imwrite(path, ramp("int16"))
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("ImageLength", "ImageWidth", "RowsPerStrip"):
            file.pages[0].tags[name].overwrite(60000)
    with pytest.raises(InputError):
        read_volume(path)
