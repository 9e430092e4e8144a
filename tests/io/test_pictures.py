"""PNG, TIFF and JPEG as volumes of one slice."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from mactfusion.errors import InputError
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pixels() -> np.ndarray:
    """``(H, W, 3)`` uint8."""
    return np.random.default_rng(2).integers(0, 256, (9, 13, 3)).astype(np.uint8)


def test_first_index_is_the_column(tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    volume = read_volume(tmp_path / "grey.png")
    assert volume.shape == (1, 13, 9, 1)
    np.testing.assert_array_equal(volume[0, :, :, 0].numpy(), pixels[..., 0].T)
    np.testing.assert_array_equal(volume.affine.numpy(), np.diag([-1, -1, 1, 1]))
    assert volume.meta["is_image"] is True
    assert volume.meta["source_dtype"] == "uint8"


@pytest.mark.parametrize("name", ["rgb.png", "rgb.tif", "rgb.tiff"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_colour_keeps_its_bits(tmp_path: Path, pixels: np.ndarray, name: str, dtype: str) -> None:
    stored = pixels if dtype == "uint8" else pixels.astype(dtype) * 256 + pixels[::-1]
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(stored, isVector=True), str(tmp_path / name))
    volume = read_volume(tmp_path / name)
    expected = stored.transpose(2, 1, 0) / np.iinfo(dtype).max
    np.testing.assert_allclose(volume[..., 0].numpy(), expected, atol=1e-7)
    assert volume.meta["source_dtype"] == dtype


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_grey_keeps_its_bits(
    tmp_path: Path, pixels: np.ndarray, extension: str, dtype: str
) -> None:
    if extension == ".png" and dtype == "float32":
        pytest.skip("PNG has no floating-point pixels")
    stored = pixels[..., 0].astype(dtype) * (200 if dtype == "uint16" else 1)
    Image.fromarray(stored).save(tmp_path / f"grey{extension}")
    volume = read_volume(tmp_path / f"grey{extension}")
    np.testing.assert_array_equal(volume[0, ..., 0].numpy(), stored.T)
    assert volume.meta["source_dtype"] == dtype


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_grey_saved_as_rgb_and_big_endian_tiff(
    tmp_path: Path, pixels: np.ndarray, extension: str
) -> None:
    Image.fromarray(np.repeat(pixels[..., :1], 3, -1)).save(tmp_path / f"grey{extension}")
    assert read_volume(tmp_path / f"grey{extension}").shape[0] == 1
    deep = pixels[..., 0].astype(">u2") * 250
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    volume = read_volume(tmp_path / "deep.tif")
    np.testing.assert_array_equal(volume[0, ..., 0].numpy(), deep.T)


def test_palette_becomes_rgb(tmp_path: Path, pixels: np.ndarray) -> None:
    palette = Image.fromarray(pixels).convert("P")
    expected = np.asarray(palette.convert("RGB")).transpose(2, 1, 0) / 255
    for name in ("palette.png", "palette.tif"):
        palette.save(tmp_path / name)
        volume = read_volume(tmp_path / name)
        np.testing.assert_allclose(volume[..., 0].numpy(), expected, atol=1e-7)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_black(tmp_path: Path, pixels: np.ndarray, mode: str) -> None:
    picture = Image.fromarray(np.maximum(pixels, 1))
    alpha = Image.fromarray(np.where(np.arange(13) < 6, 0, 255).astype(np.uint8)[None].repeat(9, 0))
    if mode == "P":
        indices = picture.convert("P")
        indices.save(tmp_path / "alpha.png", transparency=indices.getpixel((0, 0)))
    else:
        with_alpha = picture.convert(mode)
        with_alpha.putalpha(alpha)
        with_alpha.save(tmp_path / "alpha.png")
    volume = read_volume(tmp_path / "alpha.png")
    assert len(volume) == (1 if mode == "LA" else 3)
    assert volume[:, 0, 0].abs().max() == 0
    assert volume[:, -1].max() > 0


def test_jpeg(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 32).astype(np.uint8)[None].repeat(16, 0)
    Image.fromarray(np.stack([ramp, ramp // 2, 255 - ramp], -1)).save(
        tmp_path / "ramp.jpg", quality=95
    )
    volume = read_volume(tmp_path / "ramp.jpg")
    np.testing.assert_allclose(volume[0, :, 8, 0].numpy(), ramp[0] / 255, atol=0.05)


@pytest.mark.parametrize(
    ("mode", "name", "reason"),
    [
        ("CMYK", "print.jpg", "CMYK"),
        ("CMYK", "print.tif", "CMYK"),
        ("1", "mask.png", "black-and-white"),
        ("1", "mask.tif", "black-and-white"),
        ("LAB", "lab.tif", "CIELAB"),
    ],
)
def test_other_colour_models_are_refused(
    tmp_path: Path, pixels: np.ndarray, mode: str, name: str, reason: str
) -> None:
    picture = Image.fromarray(pixels)
    (Image.new("LAB", picture.size) if mode == "LAB" else picture.convert(mode)).save(
        tmp_path / name
    )
    with pytest.raises(InputError, match=reason):
        read_volume(tmp_path / name)


def test_several_pages_are_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "pages.tif", save_all=True, append_images=[picture, picture])
    with pytest.raises(InputError, match="3 pages"):
        read_volume(tmp_path / "pages.tif")


@pytest.mark.parametrize("name", ["rgb.png", "rgb.jpg", "rgb.tif", "deep.png", "deep.tif"])
@pytest.mark.parametrize("content", ["truncated", "text"])
def test_damaged_pictures_end_in_one_silent_sentence(
    tmp_path: Path, name: str, content: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    pixels = np.random.default_rng(3).integers(0, 256, (60, 70, 3)).astype(np.uint8)
    if name.startswith("deep"):
        pixels = pixels.astype(np.uint16) * 255
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels, isVector=True), str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == "truncated" else b"hello" * 50)
    capfd.readouterr()
    with pytest.raises(InputError, match="cannot be read") as error:
        read_volume(path)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("name", "heard"), [("grey.png", True), ("grey.tif", False)])
def test_a_png_is_read_without_taking_standard_error_from_other_threads(
    tmp_path: Path,
    pixels: np.ndarray,
    name: str,
    heard: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    Image.fromarray(pixels[..., 0]).save(tmp_path / name)
    load = Image.Image.load

    def load_while_another_thread_writes(picture: Image.Image) -> object:
        other = threading.Thread(target=os.write, args=(2, b"a bar"))
        other.start()
        other.join()
        return load(picture)

    monkeypatch.setattr(Image.Image, "load", load_while_another_thread_writes)
    read_volume(tmp_path / name)
    assert ("a bar" in capfd.readouterr().err) == heard


def test_microscopy_pairs_of_the_reference(reference: Path) -> None:
    folder = reference / "data" / "gfp_pc"
    phase, fluorescence = (
        read_volume(sorted((folder / kind).glob("*.jpg"))[0]) for kind in ("PCI", "GFP")
    )
    assert (len(phase), len(fluorescence)) == (1, 3)
    assert phase.max() > 1
    assert fluorescence.max() <= 1
