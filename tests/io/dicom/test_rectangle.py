"""A grid whose axes lean a little: as DICOM it is rectangular, and every value keeps its place."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
import torch
from monai.data import MetaTensor

from mactfusion import fuse_volumes
from mactfusion.io.dicom.planes import planes_of
from mactfusion.io.dicom.rectangle import rectangular, skew_sentence

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (60, 50, 20)
TURNS = [np.eye(3), np.diag([-1.0, -1.0, 1.0]), np.diag([-1.0, 1.0, 1.0]), np.eye(3)[:, [2, 0, 1]]]


def leaning(cosine: float, turn: np.ndarray = TURNS[1]) -> np.ndarray:
    """An affine whose second axis leans towards the first, and whose third towards the second."""
    lean = np.eye(3) + cosine * np.eye(3, k=1)
    affine = np.eye(4)
    affine[:3, :3] = turn @ (lean / np.linalg.norm(lean, axis=0)) * (1.5, 1.5, 3.0)
    affine[:3, 3] = (-41.5, 12.25, 300.0)
    return affine


def by_place(places_mm: np.ndarray) -> np.ndarray:
    """Values in [0, 1] that are linear in millimetres, so that interpolation keeps them."""
    return 0.5 + (places_mm - (0, 0, 310)) @ (0.0012, -0.0009, 0.0015)


def volume_of(affine: np.ndarray) -> MetaTensor:
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    values = by_place(index @ affine[:3, :3].T + affine[:3, 3])
    assert 0 < values.min() < values.max() < 1
    return MetaTensor(torch.from_numpy(values[None]), affine=torch.from_numpy(affine))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("cosine", [1e-6, 9e-4])
def test_values_stay_in_their_place(tmp_path: Path, cosine: float, turn: np.ndarray) -> None:
    planes = planes_of(volume_of(leaning(cosine, turn)), "axial", tmp_path)
    right, down, normal = planes.along_row, planes.along_column, planes.normal
    step = planes.positions_mm[1] - planes.positions_mm[0]
    for one, other in ((right, down), (right, step), (down, step)):
        assert abs(one @ other) < 1e-9
    assert normal @ step > 0
    count, rows, columns = planes.pixels.shape
    plane, row, column = np.ogrid[:count, :rows, :columns]
    between_rows, between_columns, _ = planes.spacing_mm
    places_lps = (
        planes.positions_mm[plane[..., 0, 0]][:, None, None]
        + row[..., None] * between_rows * down
        + column[..., None] * between_columns * right
    )
    expected = by_place(places_lps * (-1, -1, 1))
    # 1e-3 mm are 2e-6 of these values, and half a step of 16 bits is 8e-6
    inner = (slice(1, -1),) * 3
    assert np.abs(planes.pixels / 65535 - expected)[inner].max() < 1.1e-5


@pytest.mark.parametrize("turn", TURNS)
def test_what_is_perpendicular_is_not_touched(turn: np.ndarray) -> None:
    volume = volume_of(leaning(1e-6, turn))
    assert torch.equal(rectangular(volume).as_tensor(), volume.as_tensor().float())
    assert skew_sentence(volume.affine, SHAPE) == ""
    exact = volume_of(leaning(0.0, turn))
    assert torch.allclose(rectangular(exact).affine, exact.affine, atol=1e-12)


def test_interpolation_is_said_before_the_long_work(tmp_path: Path, pixel_maximum: Path) -> None:
    affine = leaning(9e-4)
    rng = np.random.default_rng(0)
    pair = ((rng.random(SHAPE) * 900, affine), (rng.random(SHAPE) * 8e3, affine))
    said: list[tuple[int, int]] = []
    options = {"task": "pet-mri", "weights": pixel_maximum, "output": tmp_path / "o"}
    with pytest.warns(match="not quite perpendicular") as warned:
        result = fuse_volumes(
            *pair,
            format="dicom",
            anonymous=True,
            progress=lambda done, _: said.append((done, len(warned))),
            check=False,
            **options,
        )
    assert next(count for slices, count in said if slices) == len(warned)
    sentence = (
        "The axes of the result are not quite perpendicular (by 0.04 mm at a corner), as those of "
        "DICOM must be: it is interpolated to a rectangular grid in the same place."
    )
    assert sentence in [str(each.message) for each in warned]
    assert sentence in result.warnings
    # The result in memory, and in any other format, stays on the grid of the anatomical volume.
    np.testing.assert_allclose(result.fused.affine.numpy(), affine)
    first = sorted((tmp_path / "o").iterdir())[0]
    cosines = np.array(pydicom.dcmread(first).ImageOrientationPatient, float).reshape(2, 3)
    assert abs(cosines[0] @ cosines[1]) < 1e-9
    if shutil.which("dciodvfy") is not None:
        words = ["dciodvfy", "-new", str(first)]
        printed = subprocess.run(words, capture_output=True, text=True, check=False).stderr
        assert "Error" not in printed
