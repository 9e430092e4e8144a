"""The planes of the report: right is right, millimetres are true, less is said to be less."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from report_pages import (
    PICTURE_AFFINE,
    SHAPE,
    affine_of,
    brightest,
    report,
    scene_of,
    shown_at,
    volumes_with_marker,
    voxels_of,
)
from scipy.spatial.transform import Rotation

from mactfusion.report.grid import PLANES, scale_bar_mm, slice_of


@pytest.mark.parametrize("order", ["RAS", "LPS", "LAS", "PSR", "SRA", "AIL"])
@pytest.mark.parametrize("name", ["anatomical", "partner", "fused"])
def test_marker_on_patient_left_is_on_viewer_right(tmp_path, order, name):
    volumes, marker = volumes_with_marker(affine_of(order))
    page = report(tmp_path / "report.html", volumes)
    index = brightest(page, name)
    planes = {plane["name"]: plane for plane in scene_of(page)["planes"]}
    shape = np.array(scene_of(page)["shape"])
    beyond_middle = index > (shape - 1) / 2
    for plane in ("Axial", "Coronal"):
        assert planes[plane]["right"] == "L"
        assert beyond_middle[planes[plane]["across"]]
    assert planes["Axial"]["top"] == "A"
    assert not planes["Axial"]["flip"]
    assert not beyond_middle[planes["Axial"]["down"]]
    assert planes["Sagittal"]["left"] == "A"
    assert not beyond_middle[planes["Sagittal"]["across"]]
    assert planes["Coronal"]["top"] == "S"
    assert planes["Coronal"]["flip"]
    assert beyond_middle[planes["Coronal"]["down"]]
    np.testing.assert_allclose(shown_at(page, index), marker, atol=1e-4)


def test_lps_space_in_meta_data_does_not_mirror(tmp_path):
    volumes, marker = volumes_with_marker(affine_of("RAS"), meta={"space": "LPS"})
    page = report(tmp_path / "report.html", volumes)
    np.testing.assert_allclose(shown_at(page, brightest(page)), marker, atol=1e-4)
    assert brightest(page)[0] > SHAPE[0] / 2


def test_colour_and_spacing_follow_the_axes(tmp_path):
    volumes, _ = volumes_with_marker(affine_of("SRA"))
    page = report(tmp_path / "report.html", volumes)
    # SRA stores S, R, A with spacing 2, 1.5, 3; the page is ordered L, P, S.
    np.testing.assert_allclose(scene_of(page)["spacing"], [1.5, 3.0, 2.0])
    marker = voxels_of(page, "partner")[(slice(None), *brightest(page))]
    np.testing.assert_array_equal(marker, [255, 128, 51])


@pytest.mark.parametrize("degrees", [0.0, 19.0, 40.0])
def test_oblique_keeps_world_position_and_says_so(tmp_path, degrees):
    rotation = Rotation.from_euler("x", degrees, degrees=True)
    volumes, marker = volumes_with_marker(affine_of("RAS", rotation))
    page = report(tmp_path / "report.html", volumes)
    np.testing.assert_allclose(shown_at(page, brightest(page)), marker, atol=1e-4)
    assert ("Oblique acquisition, shown along the acquisition axes" in page) == (degrees > 0)
    assert (f"{degrees:.0f}°" in page) == (degrees > 0)


def test_large_volume_is_averaged_down_in_place(tmp_path):
    affine = np.diag([0.5, 0.7, 2.0, 1.0])
    values = torch.zeros(1, 260, 200, 12)
    values[0, 40:49, 150:159, 5:8] = 1.0
    center = (affine @ [44, 154, 6, 1])[:3]
    volume = MetaTensor(values, affine=torch.tensor(affine))
    page = report(
        tmp_path / "report.html", {"anatomical": volume, "partner": volume, "fused": volume}
    )
    assert scene_of(page)["shape"] == [192, 192, 12]
    assert "192 × 192 × 12 instead of 260 × 200 × 12" in page
    weights = voxels_of(page, "fused")[0].astype(float)
    centroid = [
        np.average(np.arange(size), weights=weights.sum(tuple({0, 1, 2} - {axis})))
        for axis, size in enumerate(weights.shape)
    ]
    np.testing.assert_allclose(shown_at(page, centroid), center, atol=0.2)


def test_small_volume_is_not_called_reduced(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    assert "reduced resolution" not in report(tmp_path / "report.html", volumes)


@pytest.mark.parametrize(
    ("order", "plane"), [("LPS", "Axial"), ("LSA", "Coronal"), ("PSR", "Sagittal")]
)
def test_one_slice_shows_only_its_plane(tmp_path, order, plane):
    affine = affine_of(order)
    volume = MetaTensor(torch.rand(1, 9, 7, 1), affine=torch.tensor(affine))
    page = report(
        tmp_path / "report.html", {"anatomical": volume, "partner": volume, "fused": volume}
    )
    assert [shown["name"] for shown in scene_of(page)["planes"]] == [plane]
    assert page.count("<canvas") == 4
    assert "data-through=" not in page.split("<main>")[1].split("</main>")[0]


def test_picture_has_pixels_and_no_patient_directions(tmp_path):
    pixels = torch.zeros(1, 30, 20, 1)
    pixels[0, 21, 4, 0] = 1.0
    volume = MetaTensor(pixels, affine=torch.tensor(PICTURE_AFFINE), meta={"is_image": True})
    page = report(
        tmp_path / "report.html", {"anatomical": volume, "partner": volume, "fused": volume}
    )
    np.testing.assert_allclose(shown_at(page, brightest(page))[:2], [21, 4])
    np.testing.assert_array_equal(brightest(page), [21, 4, 0])
    assert "Pixel (column, row)" in page
    assert '<span class="left">' not in page


@pytest.mark.parametrize(
    ("extent_mm", "bar_mm"),
    [((220, 240, 180), 50), ((220, 60, 180), 20), ((12, 14, 9), 2), ((0.9, 0.8, 1.1), 0.2)],
)
def test_the_scale_bar_is_round_and_fits_the_narrowest_plane(extent_mm, bar_mm):
    assert scale_bar_mm(np.array(extent_mm, dtype=float), PLANES) == pytest.approx(bar_mm)


def test_the_scale_bar_is_named_on_each_plane_and_left_out_for_pictures(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes)
    # 20 x 24 x 16 voxels of 2, 1.5 and 3 mm; of 36 mm a bar of at most 40 % is 10 mm long.
    assert scene_of(page)["bar_mm"] == 10
    assert page.count('<span class="bar">10 mm</span>') == page.count("<canvas") == 12
    volume = MetaTensor(torch.rand(1, 9, 7, 1), affine=torch.tensor(PICTURE_AFFINE))
    volume.meta["is_image"] = True
    picture = dict.fromkeys(("anatomical", "partner", "fused"), volume)
    page = report(tmp_path / "picture.html", picture)
    assert scene_of(page)["bar_mm"] is None
    assert 'class="bar"' not in page


def test_a_slice_has_the_front_or_the_head_on_top_and_the_patients_left_on_the_right():
    left_front_top = torch.zeros(1, 6, 5, 4)
    left_front_top[0, 4, 1, 3] = 1.0
    volume = MetaTensor(left_front_top, affine=torch.tensor(np.diag([-1.0, -1.0, 1.0, 1.0])))
    spots = [
        slice_of(volume, plane, number) for plane, number in zip(PLANES, (3, 1, 4), strict=True)
    ]
    assert [spot.shape for spot in spots] == [(5, 6, 3), (4, 6, 3), (4, 5, 3)]
    rows_and_columns = [np.argwhere(spot[..., 0]).tolist() for spot in spots]
    assert rows_and_columns == [[[1, 4]], [[0, 4]], [[0, 1]]]
