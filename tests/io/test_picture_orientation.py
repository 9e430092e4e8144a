"""A volume of one slice becomes a picture as radiologists see it, however it was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform
from PIL import Image

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.io.read import read_volume
from mactfusion.io.save import CheckFormatd
from mactfusion.io.write import write_volume

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = {"axial": (6, 5, 1), "coronal": (6, 1, 4), "sagittal": (1, 5, 4)}
"""In (right, anterior, superior)."""

AXIS_CODES = ["RAS", "LPS", "PIR", "SAL", "ILP", "ASR"]
TILTED = np.array([[0.96, -0.28, 0, -20], [0.28, 0.96, 0, 30], [0, 0, 1.5, 7], [0, 0, 0, 1]])


def stored_as(codes: str, voxels: np.ndarray, affine: np.ndarray = TILTED) -> MetaTensor:
    """The volume with those axis codes, of ``(R, A, S)`` or ``(R, A, S, 3)`` voxels in [0, 1]."""
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    turned = nibabel.apply_orientation(voxels, turn)
    turned_affine = affine @ inv_ornt_aff(turn, voxels.shape[:3])
    assert "".join(nibabel.aff2axcodes(turned_affine)) == codes
    channel_first = turned[None] if turned.ndim == 3 else np.moveaxis(turned, -1, 0)
    return MetaTensor(
        torch.from_numpy(np.ascontiguousarray(channel_first, np.float32)),
        affine=torch.from_numpy(turned_affine),
    )


def displayed(plane: str, voxels: np.ndarray) -> np.ndarray:
    """``(row, column)`` of ``(R, A, S)`` voxels: patient right, or else anterior, on the left."""
    flipped = voxels[::-1, ::-1, ::-1]
    single = SHAPES[plane].index(1)
    return flipped.take(0, axis=single).swapaxes(0, 1)


@pytest.mark.parametrize("codes", AXIS_CODES)
@pytest.mark.parametrize(
    ("plane", "marker", "corner"),
    [
        ("axial", (0, -1, 0), (0, -1)),  # left anterior: top right
        ("axial", (-1, 0, 0), (-1, 0)),  # right posterior: bottom left
        ("coronal", (0, 0, -1), (0, -1)),  # left superior: top right
        ("sagittal", (0, 0, -1), (0, -1)),  # posterior superior: top right
    ],
)
def test_marker(
    tmp_path: Path,
    codes: str,
    plane: str,
    marker: tuple[int, int, int],
    corner: tuple[int, int],
) -> None:
    voxels = np.zeros(SHAPES[plane])
    voxels[marker] = 1
    write_volume(stored_as(codes, voxels), tmp_path / "slice.png")
    pixels = np.asarray(Image.open(tmp_path / "slice.png"))
    assert pixels[corner] == 255
    assert np.count_nonzero(pixels) == 1


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("components", [(), (3,)])
@pytest.mark.parametrize("codes", AXIS_CODES)
@pytest.mark.parametrize("plane", SHAPES)
def test_every_pixel(
    tmp_path: Path, plane: str, codes: str, components: tuple[int, ...], extension: str
) -> None:
    shape = (*SHAPES[plane], *components)
    stored = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    volume = stored_as(codes, stored / 255)
    before = volume.clone()
    write_volume(volume, tmp_path / f"slice{extension}", dtype="uint8")
    pixels = np.asarray(Image.open(tmp_path / f"slice{extension}"))
    np.testing.assert_array_equal(pixels, displayed(plane, stored))
    assert torch.equal(volume, before)
    assert torch.equal(volume.affine, before.affine)


@pytest.mark.parametrize("shape", [(6, 5, 1), (1, 5, 1)])
@pytest.mark.parametrize("affine", [np.eye(4), np.diag([-1.0, -1.0, 1.0, 1.0])])
def test_what_was_a_picture_is_left_alone(
    tmp_path: Path, shape: tuple[int, ...], affine: np.ndarray
) -> None:
    stored = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    voxels = torch.from_numpy(stored[None] / np.float32(255))
    picture = MetaTensor(voxels, affine=torch.from_numpy(affine), meta={"is_image": True})
    write_volume(picture, tmp_path / "picture.png")
    pixels = np.asarray(Image.open(tmp_path / "picture.png"))
    np.testing.assert_array_equal(pixels, stored[..., 0].T)


@pytest.mark.parametrize("shape", [*SHAPES.values(), (6, 5, 4)])
def test_format_is_checked_whichever_axis_is_single(
    tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    check = CheckFormatd(tmp_path / "slice.png")
    data = {"is_color": False, "grid_shape": torch.tensor(shape)}
    if 1 in shape:
        assert check(data) == data
        return
    with pytest.raises(InputError, match="one slice, the volume has 4"):
        check(data)


@pytest.mark.parametrize("plane", SHAPES)
def test_fused_slice(tmp_path: Path, pixel_maximum: Path, plane: str) -> None:
    shape = tuple(4 * size if size > 1 else 1 for size in SHAPES[plane])
    voxels = np.random.default_rng(3).random(shape)
    volume = stored_as("PIR", voxels)
    path = tmp_path / "fused.png"
    other = stored_as("PIR", 1 - voxels)
    result = fuse_volumes(volume, other, task="mr-mr", weights=pixel_maximum, output=path)
    fused = result.fused[0].numpy()
    assert fused.shape == volume.shape[1:]
    back = nibabel.apply_orientation(
        fused, ornt_transform(axcodes2ornt("PIR"), axcodes2ornt("RAS"))
    )
    pixels = read_volume(path)[0, :, :, 0].numpy().T
    np.testing.assert_allclose(pixels / 255, displayed(plane, back), atol=0.51 / 255)
