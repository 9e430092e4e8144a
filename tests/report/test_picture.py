"""The preview: true sides, true millimetres, colours with their values, and no names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image
from report_pages import (
    MARKER_RAS_MM,
    PICTURE_AFFINE,
    SHAPE,
    affine_of,
    recorded,
    result_of,
    volumes_with_marker,
)

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.report import picture
from mactfusion.report.grid import PLANES, OrderedGrid, ordered, slice_of, spacing_mm
from mactfusion.report.picture import write_picture

PET = {"units": "Bq/ml", "level_width": [10_000.0, 20_000.0], "colormap": "hot_iron"}


@pytest.fixture
def texts(monkeypatch):
    """What is written on the figure, in order."""
    said = []
    draw = picture._drawn

    def listening(result):
        figure = draw(result)
        said.extend(text.get_text() for text in figure.texts)
        said.extend(text.get_text() for axes in figure.axes for text in axes.texts)
        return figure

    monkeypatch.setattr(picture, "_drawn", listening)
    return said


def pixels_of(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def red_spot(pixels):
    """Centre of what is bright and red."""
    return np.argwhere((pixels[..., 0] > 150) & (pixels[..., 1] < 90)).mean(axis=0)


@pytest.mark.parametrize("order", ["RAS", "LPS", "SRA"])
def test_a_spot_on_the_patients_left_is_on_the_right_of_the_axial_plane(order, tmp_path):
    volumes, marker = volumes_with_marker(affine_of(order))
    spot = (volumes["anatomical"] == 1).float()
    color = torch.cat([spot, 0 * spot, 0 * spot])
    volumes["fused"] = MetaTensor(color, affine=volumes["fused"].affine)
    partner = recorded("a.nii", "pet-mri", colors=[], **PET)
    result = result_of(volumes, [partner], hottest_mm=marker)
    pixels = pixels_of(write_picture(tmp_path / "a.png", result))
    heading = int(picture._HEAD * picture.DOTS_PER_INCH)
    # Three planes side by side; of the axial one the marker lies left, in front, 12 and 9 mm off.
    assert MARKER_RAS_MM.tolist() == [-12, 9, 6]
    dark = (pixels[heading + 3] < 5).all(axis=1)
    first = np.flatnonzero(dark)[0]
    last = first + np.flatnonzero(~dark[first:])[0]
    axial = pixels[heading:, first:last]
    rows = (axial < 5).all(axis=2).any(axis=1)
    middle = np.array([np.flatnonzero(rows).max() / 2, (last - first) / 2])
    row, column = red_spot(axial) - middle
    assert column > 0
    assert row < 0
    assert row / column == pytest.approx(-9 / 12, abs=0.15)


def test_windows_units_and_colours_are_named_and_files_are_not(tmp_path, texts):
    volumes, marker = volumes_with_marker(affine_of())
    right, front, top = marker
    partners = [
        recorded("Doe_Jane.nii", "ct-mri", units="HU", level_width=[40.0, 80.0]),
        recorded("Doe_Jane_2.nii", "pet-mri", **PET),
        recorded("Doe_Jane_3.nii", "pet-mri", colors=[], colormap="its own"),
    ]
    shown = [volumes["anatomical"], volumes["partner"], volumes["partner"]]
    write_picture(tmp_path / "a.png", result_of(volumes, partners, shown=shown, hottest_mm=marker))
    for text in (
        "MR + CT + PET + PET, fused",
        "MR: level 450, width 900",
        "CT: level 40, width 80 HU",
        "fused in grey: brightness gives no value",
        "PET 1: level 10000, width 20000 Bq/ml",
        "20000 Bq/ml",
        "hot_iron",
        "keeps its own colours",
        "Not a medical device",
        f"through {-right:.1f} L · {front:.1f} A · {top:.1f} S (mm)",
        "10 mm",
    ):
        assert text in texts
    assert "80 HU" not in texts
    assert texts.count("R") == texts.count("L") == 2
    assert texts.count("A") == texts.count("P") == 2
    assert not any("Doe" in text for text in texts)


def test_a_picture_has_one_plane_and_no_millimetres(tmp_path, texts):
    pixels = torch.rand(1, 40, 30, 1)
    volume = MetaTensor(pixels, affine=torch.tensor(PICTURE_AFFINE), meta={"is_image": True})
    volumes = dict.fromkeys(("anatomical", "partner", "fused"), volume)
    partner = recorded("a.png", "ct-mri", colors=[], colormap="its own")
    written = write_picture(tmp_path / "a.png", result_of(volumes, [partner]))
    assert not any(text.endswith("mm") or text in "RLAPSI" for text in texts)
    assert "pixel 20, 15" in texts
    # One plane of 40 by 30 pixels; three would be far wider.
    width, height = Image.open(written).size
    assert height < width < 4 / 3 * height


def test_one_slice_has_one_plane_with_letters(tmp_path, texts):
    volume = MetaTensor(torch.rand(1, 40, 30, 1), affine=torch.tensor(np.diag([1.0, 1, 5, 1])))
    volumes = dict.fromkeys(("anatomical", "partner", "fused"), volume)
    write_picture(tmp_path / "a.png", result_of(volumes, [recorded("a", "ct-mri")]))
    assert [text for text in texts if text in "RLAPSI"] == ["R", "L", "A", "P"]
    assert "10 mm" in texts


def test_a_slab_has_its_thin_planes_below_the_broad_one(tmp_path):
    affine = np.diag([1.0, 1, 5, 1])
    slab = MetaTensor(torch.rand(1, 64, 64, 3), affine=torch.tensor(affine))
    volumes = dict.fromkeys(("anatomical", "partner", "fused"), slab)
    written = write_picture(tmp_path / "a.png", result_of(volumes, [recorded("a", "ct-mri")]))
    width, height = Image.open(written).size
    assert height > width
    head = MetaTensor(torch.rand(1, 64, 64, 60), affine=torch.eye(4))
    volumes = dict.fromkeys(("anatomical", "partner", "fused"), head)
    written = write_picture(tmp_path / "b.png", result_of(volumes, [recorded("a", "ct-mri")]))
    width, height = Image.open(written).size
    assert width > 2 * height


@pytest.mark.parametrize("order", ["RAS", "LPS", "SRA", "PIL"])
def test_planes_are_cut_as_from_the_whole_in_order(order):
    volume = MetaTensor(torch.rand(3, *SHAPE), affine=torch.tensor(affine_of(order)))
    whole, grid = ordered(volume), OrderedGrid.of(volume)
    assert grid.shape == tuple(whole.shape[1:])
    np.testing.assert_allclose(grid.affine, whole.affine.numpy(), atol=1e-9)
    np.testing.assert_allclose(grid.spacing_mm, spacing_mm(whole))
    for plane in PLANES:
        for number in (0, 5, grid.shape[plane.through] - 1):
            expected = slice_of(whole, plane, number)
            found = slice_of(grid.slab(volume, plane.through, number), plane, 0)
            np.testing.assert_array_equal(found, expected)


def test_the_planes_go_through_the_hottest_voxel_or_the_middle(tmp_path, texts):
    volumes, (right, front, top) = volumes_with_marker(affine_of("SRA"))
    partner = recorded("a.nii", "pet-mri", **PET)
    write_picture(tmp_path / "a.png", result_of(volumes, [partner], hottest_mm=[right, front, top]))
    assert f"through {-right:.1f} L · {front:.1f} A · {top:.1f} S (mm)" in texts
    texts.clear()
    write_picture(tmp_path / "b.png", result_of(volumes, [partner]))
    # Of even sizes the middle is the second of two voxels, half of one (1.5 x 3 x 2 mm) off.
    assert "through 0.8 L · 1.5 P · 1.0 S (mm)" in texts


def test_a_picture_needs_no_source(tmp_path):
    rng = np.random.default_rng(0)
    sources = [(rng.random((9, 10, 11)), np.eye(4)) for _ in range(2)]
    result = fuse_volumes(*sources, task="pet-mri")
    kept = fuse_volumes(*sources, task="pet-mri", keep_native=True)
    assert result.native is None
    first = write_picture(tmp_path / "a.png", result).read_bytes()
    assert write_picture(tmp_path / "b.png", kept).read_bytes() == first


def test_equal_results_give_equal_pictures_without_a_date(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    result = result_of(volumes, [recorded("a.nii", "pet-mri", **PET)])
    first, second = (write_picture(tmp_path / name, result) for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes()
    assert set(Image.open(first).info) <= {"dpi"}


def test_only_png_is_written(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    result = result_of(volumes, [recorded("a.nii", "pet-mri")])
    with pytest.raises(InputError, match=r"ends in \.png"):
        write_picture(tmp_path / "a.jpg", result)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_made_and_a_failure_leaves_nothing(tmp_path, monkeypatch):
    volumes, _ = volumes_with_marker(affine_of())
    result = result_of(volumes, [recorded("a.nii", "pet-mri")])
    assert write_picture(tmp_path / "new" / "a.png", result).is_file()

    def disk_full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", disk_full)
    with pytest.raises(InputError, match="the disk is full"):
        write_picture(tmp_path / "b.png", result)
    assert [item.name for item in tmp_path.iterdir()] == ["new"]


def test_the_cross_hair_is_where_the_planes_meet():
    volumes, _ = volumes_with_marker(affine_of("LPS"))
    place = (affine_of("LPS") @ [4, 5, 12, 1])[:3]
    partners = [recorded("a.nii", "pet-mri", **PET)]
    result = result_of(volumes, partners, hottest_mm=place)
    crossings = []
    for axes in picture._drawn(result).axes[:3]:
        horizontal, vertical = (lines.get_segments()[0] for lines in axes.collections)
        crossings.append((vertical[0][0], horizontal[0][1]))
    # Millimetres from the upper left: voxels of 2, 1.5 and 3 mm, and 16 slices of which 0 is below.
    left, front, top = 4.5 * 2, 5.5 * 1.5, (16 - 12.5) * 3
    np.testing.assert_allclose(crossings, [(left, front), (left, top), (front, top)])
