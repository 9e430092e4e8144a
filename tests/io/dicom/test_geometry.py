"""Slices that are no even grid: read by their positions and said, or refused where some miss."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from dicom_made import AXIAL, Made, assert_same_volume, classic, made

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path


def smooth(volume: Made, positions: list[np.ndarray]) -> np.ndarray:
    """What a scanner would measure: a plane through space, the same from wherever it is seen."""
    row, column = np.array(volume.orientation).reshape(2, 3)
    rows, columns = volume.values.shape[1:]
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    inside = i[..., None] * column * volume.spacing_mm[0]
    inside = inside + j[..., None] * row * volume.spacing_mm[1]
    return np.stack([np.rint(field(inside + position)) for position in positions])


def field(place_mm: np.ndarray) -> np.ndarray:
    """Linear in space, so that linear interpolation is exact."""
    return 2000 + place_mm @ np.array([11.0, -7.0, 5.0])


def written_at(folder: Path, volume: Made, positions: list[np.ndarray], **tags: Any) -> Path:
    thickness = tags.pop("thickness", None)

    def change(index: int, dataset: Any) -> None:
        dataset.ImagePositionPatient = [float(f"{mm:.5f}") for mm in positions[index]]
        if thickness:
            dataset.SliceThickness = thickness[index]

    stored = replace(volume, values=smooth(volume, positions))
    return classic(folder, stored, "CT", change=change, **tags)


def lies_as_measured(volume: Any) -> None:
    """Assert the value of the field at each measured voxel, in millimetres of the patient."""
    values = volume[0].numpy()
    index = np.stack(np.meshgrid(*map(np.arange, values.shape), indexing="ij"), -1)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine.numpy()
    expected = field(index @ affine[:3, :3].T + affine[:3, 3])
    padding = volume.meta["padding"]
    measured = values != float(padding) if padding else np.ones(values.shape, bool)
    if padding:  # in the outer half of an outermost voxel the value is continued
        measured = measured & np.roll(measured, 1, 1) & np.roll(measured, -1, 1)
        measured[:, [0, -1]] = False
    assert measured.mean() > 0.4
    assert np.abs(values - expected)[measured].max() < 1.1  # stored as whole numbers


@pytest.mark.parametrize("degrees", [18.0, -12.0, 2.0])
def test_a_tilted_gantry_is_laid_straight_and_said(tmp_path: Path, degrees: float) -> None:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    volume = made(12, 40, 30, orientation=(1.0, 0, 0, 0, cosine, -sine))
    positions = [np.array([-20.0, -30.0, 4.5 * index]) for index in range(12)]
    folder = written_at(tmp_path / "s", volume, positions)
    with pytest.warns(FusionWarning, match=rf"gantry tilted by {abs(degrees):.1f} degrees"):
        read = read_volume(folder)
    lies_as_measured(read)
    axes = read.affine.numpy()[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    assert read.affine.numpy()[:3, 2] @ np.array([0, 0, 1]) == pytest.approx(4.5 * cosine**2)


def test_two_spacings_become_the_finer_one_and_are_said(tmp_path: Path) -> None:
    depths = [*np.arange(0, 10, 2.5), *np.arange(10, 41, 5.0)]
    thickness = [2.5] * 4 + [5.0] * 7
    volume = made(len(depths), 9, 8)
    positions = [np.array([-20.0, -30.0, depth]) for depth in depths]
    folder = written_at(tmp_path / "s", volume, positions, thickness=thickness)
    with pytest.warns(FusionWarning, match=r"2\.5 to 5 mm apart; now they are 2\.5 mm apart"):
        read = read_volume(folder)
    assert read.shape[-1] == 17
    lies_as_measured(read)


def spaced(folder: Path, depths: list[float], thickness: list[float]) -> Path:
    positions = [np.array([-20.0, -30.0, depth]) for depth in depths]
    return written_at(folder, made(len(depths), 9, 8), positions, thickness=thickness)


@pytest.mark.parametrize("wider", [4.0, 6.0])
def test_a_long_run_of_wider_and_thicker_slices_is_no_hole(tmp_path: Path, wider: float) -> None:
    depths = [*np.arange(0, 18, 3.0), *(18 + wider * np.arange(6))]
    folder = spaced(tmp_path / "s", depths, [3.0] * 6 + [wider] * 6)
    with pytest.warns(FusionWarning, match=f"3 to {wider:g} mm apart"):
        lies_as_measured(read_volume(folder))


def test_a_long_run_of_slices_at_another_distance_is_no_hole(tmp_path: Path) -> None:
    """4.2 mm is no whole number of steps of 3 mm, so that no slice can be missing there."""
    depths = [*np.arange(0, 18, 3.0), *(18 + 4.2 * np.arange(6))]
    with pytest.warns(FusionWarning, match=r"3 to 4\.2 mm apart"):
        lies_as_measured(read_volume(spaced(tmp_path / "s", depths, [3.0] * 12)))


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("thickness", [3.0, 0.0])
def test_every_other_slice_of_a_stretch_is_missing(
    tmp_path: Path, step: int, thickness: float
) -> None:
    keep = [*range(5), *range(5, 18, step), *range(18, 24)]
    keep = sorted(set(keep))
    folder = classic(tmp_path / "s", made(24), keep=keep, SliceThickness=thickness)
    sentence = rf"{24 - len(keep)} DICOM slice\(s\) missing, after slice 6, after slice 7, after"
    with pytest.raises(InputError, match=sentence):
        read_volume(folder)


@pytest.mark.parametrize(
    ("keep", "sentence"),
    [
        ([0, 1, 2, 4, 5, 6, 7], r"1 DICOM slice\(s\) missing, after slice 3 of 7 \(a gap of 6 mm"),
        ([0, 1, 2, 5, 6, 7], r"2 DICOM slice\(s\) missing, after slice 3 of 6 \(a gap of 9 mm"),
        ([0, 2, 3, 4, 6, 7], r"2 DICOM slice\(s\) missing, after slice 1, after slice 4 of 6"),
        ([0, 1, 3, 5, 6, 7], r"2 DICOM slice\(s\) missing, after slice 2, after slice 3 of 6"),
    ],
)
@pytest.mark.parametrize("thickness", [3.0, 6.0])
def test_a_hole_is_refused_and_its_place_named(
    tmp_path: Path, keep: list[int], sentence: str, thickness: float
) -> None:
    folder = classic(tmp_path / "s", made(8), keep=keep, SliceThickness=thickness)
    with pytest.raises(InputError, match=sentence):
        read_volume(folder)


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_a_rounded_orientation_is_no_tilt(tmp_path: Path, digits: int) -> None:
    def turn(axis: int, degrees: float) -> np.ndarray:
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        first, second = [(1, 2), (0, 2), (0, 1)][axis]
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = cosine
        matrix[first, second], matrix[second, first] = -sine, sine
        return matrix

    turned = turn(0, 11.1) @ turn(1, 3.4) @ turn(2, 6.9)
    orientation = (*(turned @ [0, 1, 0]), *(turned @ [0, 0, -1]))
    volume = made(190, 4, 5, orientation=orientation, step_mm=0.9)

    def change(index: int, dataset: Any) -> None:
        dataset.ImageOrientationPatient = [f"{part:.{digits}f}" for part in orientation]
        dataset.ImagePositionPatient = [f"{mm:.3f}" for mm in volume.position(index)]

    read = read_volume(classic(tmp_path / "s", volume, "MR", change=change))
    np.testing.assert_array_equal(read[0].numpy(), volume.values.transpose(2, 1, 0))
    corner = np.array([4, 3, 189, 1.0])
    apart = read.affine.numpy() @ corner - volume.affine @ corner
    assert np.abs(apart).max() < 0.02


def test_row_vectors_that_are_not_quite_of_length_one(tmp_path: Path) -> None:
    volume = made(orientation=AXIAL)
    orientation = [0.999, 0, 0, 0, 1.001, 0]
    folder = classic(tmp_path / "s", volume, ImageOrientationPatient=orientation)
    assert_same_volume(read_volume(folder), volume)


def test_a_slice_alone_without_thickness_is_said(tmp_path: Path) -> None:
    folder = classic(tmp_path / "s", made(1), SliceThickness=None)
    with pytest.warns(FusionWarning, match="taken as 1 mm thick"):
        assert read_volume(folder).affine[2, 2] == 1


@pytest.mark.parametrize(
    "orientation",
    [
        [1, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, 0],
        ["1.0", "0.0", "0.0", "0.019", "0.99982", "0.0"],
        ["1.0", "0.0", "0.0", "0.003", "0.9999955", "0.0"],
        ["1.09", "0.0", "0.0", "0.0", "1.0", "0.0"],
        ["0.9", "0.4", "0.0", "-0.3", "0.9", "0.0"],
    ],
)
def test_directions_that_are_not_perpendicular_or_of_another_length_are_refused(
    tmp_path: Path, orientation: Any
) -> None:
    """By the rule of other formats: they lean by at most 0.001, or as they were rounded."""
    folder = classic(tmp_path / "s", made(), ImageOrientationPatient=orientation)
    with pytest.raises(InputError, match="no pair of perpendicular directions of length 1"):
        read_volume(folder)


@pytest.mark.parametrize(
    ("orientation", "moved"),
    [
        (["1", "0", "0", "0.0009", "0.9999996", "0"], "0.17"),  # beyond what rounding explains
        (["0.97", "0.24", "0.00", "-0.25", "0.97", "0.00"], "1.8"),  # two decimals
        (["0.970", "0.242", "0.000", "-0.242", "0.970", "0.001"], ""),
        (["1", "0", "0", "0.0004", "0.99999992", "0"], ""),
    ],
)
def test_directions_that_lean_a_little_are_straightened_and_said(
    tmp_path: Path, orientation: list[str], moved: str, recwarn: pytest.WarningsRecorder
) -> None:
    """The last row lies 127 rows of 1.5 mm from the first."""
    volume = made(3, 128, 4)
    numbers = np.array(orientation, float)

    def change(index: int, dataset: Any) -> None:
        dataset.ImageOrientationPatient = orientation
        normal = np.cross(numbers[:3], numbers[3:])
        dataset.ImagePositionPatient = [f"{mm:.6f}" for mm in normal * 3 * index]

    read = read_volume(classic(tmp_path / "s", volume, "MR", change=change))
    axes = read.affine.numpy()[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    said = [str(each.message) for each in recwarn]
    if not moved:
        assert said == []
    else:
        assert f"straightened, which moved the last row by {moved} mm" in said[0]


def rounded(folder: Path, volume: Made, decimals: int, **how: Any) -> Path:
    def change(index: int, dataset: Any) -> None:
        position = [round(mm, decimals) for mm in volume.position(index)]
        dataset.ImagePositionPatient = [f"{mm:g}" for mm in position]

    return classic(folder, volume, change=change, **how)


@pytest.mark.parametrize("step_mm", [1.25, 1.5])
def test_whole_millimetres_are_no_holes(tmp_path: Path, step_mm: float) -> None:
    volume = made(40, step_mm=step_mm)
    with pytest.warns(
        FusionWarning, match=rf"whole millimetres; .* {step_mm:g} mm apart, as its h"
    ):
        read = read_volume(rounded(tmp_path / "s", volume, 0))
    np.testing.assert_array_equal(read[0].numpy(), volume.values.transpose(2, 1, 0))
    np.testing.assert_allclose(read.affine.numpy(), volume.affine, atol=0.3)
    np.testing.assert_allclose(read.affine.numpy()[:3, :3], volume.affine[:3, :3], atol=1e-9)


def test_one_decimal_is_no_change_of_the_spacing(tmp_path: Path) -> None:
    volume = made(40, step_mm=0.625)
    read = read_volume(rounded(tmp_path / "s", volume, 1))
    np.testing.assert_array_equal(read[0].numpy(), volume.values.transpose(2, 1, 0))
    np.testing.assert_allclose(read.affine.numpy(), volume.affine, atol=0.03)


@pytest.mark.parametrize(
    ("step_mm", "decimals"), [(1.0, 0), (1.25, 0), (1.5, 0), (3.0, 0), (0.625, 1), (3.0, 1)]
)
@pytest.mark.parametrize("missing", [1, 7, 18])
def test_rounding_hides_no_hole(
    tmp_path: Path, step_mm: float, decimals: int, missing: int
) -> None:
    keep = [index for index in range(20) if index != missing]
    folder = rounded(tmp_path / "s", made(20, step_mm=step_mm), decimals, keep=keep)
    with pytest.raises(InputError, match=r"DICOM slice\(s\) missing|a missing one would not show"):
        read_volume(folder)


def test_rounding_that_nothing_settles_is_refused(tmp_path: Path) -> None:
    folder = rounded(tmp_path / "s", made(20, step_mm=1.25), 0, SliceThickness=2)
    with pytest.raises(
        InputError, match=r"whole millimetres, .* 1\.2\d? mm apart.* would not show"
    ):
        read_volume(folder)


def test_whole_millimetres_sideways_are_said(tmp_path: Path) -> None:
    cosine, sine = np.cos(0.3), np.sin(0.3)
    volume = made(10, step_mm=3.0, orientation=(1, 0, 0, 0, cosine, sine))
    with pytest.warns(FusionWarning, match="rounded to whole millimetres"):
        read = read_volume(rounded(tmp_path / "s", volume, 0))
    np.testing.assert_array_equal(read[0].numpy(), volume.values.transpose(2, 1, 0))
    corners = np.array([[0, 0, 0, 1.0], [7, 6, 9, 1]]).T
    apart = read.affine.numpy() @ corners - volume.affine @ corners
    assert np.abs(apart).max() < 1


def test_slices_that_zigzag_are_no_tilt(tmp_path: Path) -> None:
    positions = [np.array([-20.0 + 5 * (index % 2), -30.0, 3.0 * index]) for index in range(10)]
    folder = written_at(tmp_path / "s", made(10, 9, 40), positions)
    with pytest.warns(FusionWarning, match=r"sideways by up to 5\.0 mm \(not evenly\)"):
        lies_as_measured(read_volume(folder))
