"""What the report says and shows of where the partners lie."""

from __future__ import annotations

import base64
import re
from io import BytesIO

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from mactfusion import fuse_volumes
from mactfusion.registration.linear import from_itk, write_transform
from mactfusion.report.fusion import write_fusion_report
from mactfusion.report.placement import PIXELS, SQUARES, checkerboard, edges, placements_of

SHAPE, MM = (48, 40, 30), np.array([2.0, 2.0, 3.0])
SPOT = np.array([-24.0, 16.0, 12.0])
"""Left, anterior and superior of the middle, which all planes cross."""
MOVE = from_itk(SimpleITK.Euler3DTransform((0, 0, 0), 0, 0, 0, (-20.0, 0, 0)))
"""A point of the anatomical volume lies 20 mm farther to the right in the partner."""


def volume(draw, move=None, flips=(1, 1, 1)):
    """Values at each place in RAS millimetres, the middle of the grid at the origin."""
    affine = np.diag([*(MM * flips), 1.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(SHAPE) // 2)
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    values = draw(index @ affine[:3, :3].T + affine[:3, 3])
    return values.astype(np.float32), affine if move is None else move @ affine


def balls(places):
    """One ball about the place of the spot in each plane through the middle."""
    total = np.zeros(places.shape[:3])
    for plane in ((1, 1, 0), (1, 0, 1), (0, 1, 1)):
        total += np.exp(-((places - SPOT * plane) ** 2).sum(-1) / 18)
    return total * 1000


def noise(places):
    return np.random.default_rng(0).random(places.shape[:3]) * 900 + 50


@pytest.fixture
def fused(tmp_path, pixel_maximum):
    def run(partner, move=None, flips=(1, 1, 1), **options):
        if move is not None:
            write_transform(move, tmp_path / "t.tfm")
            options["transform"] = tmp_path / "t.tfm"
        options = {"task": "pet-mri", "register": "off", "window": (500, 1000), **options}
        return fuse_volumes(
            volume(noise, flips=flips), partner, keep_native=True, weights=pixel_maximum, **options
        )

    return run


def pixels_of(picture):
    content = base64.b64decode(picture["source"].partition("base64,")[2])
    return np.asarray(Image.open(BytesIO(content))).astype(float)


def centre_of_edges(picture):
    """Middle of what is coloured, from 0 at the left and top to 1."""
    pixels = pixels_of(picture)
    rows, columns = np.nonzero(pixels[..., 1] - pixels[..., 0] > 60)
    return np.array([columns.mean() / pixels.shape[1], rows.mean() / pixels.shape[0]])


def expected_place(plane, shift=0.0):
    """Where the ball must be on the screen, by hand: right is left, front is up or left."""
    extent = MM * SHAPE
    x, y, z = SPOT + np.array([shift, 0, 0])
    shown = {
        "Axial": (-x / extent[0], -y / extent[1]),
        "Coronal": (-x / extent[0], -z / extent[2]),
        "Sagittal": (-y / extent[1], -z / extent[2]),
    }
    return np.array(shown[plane]) + 0.5


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (-1, -1, 1)])
def test_edges_before_and_after_lie_where_the_partner_lay_and_lies(fused, flips):
    result = fused(volume(balls, MOVE), MOVE, flips)
    (one,) = placements_of(result, result.native)
    names = [row["name"] for row in one["rows"]]
    assert names == [
        "Before: checkerboard",
        "Before: edges of the partner",
        "After: checkerboard",
        "After: edges of the partner",
    ]
    after = one["rows"][3]["planes"]
    assert [picture["name"] for picture in after] == ["Axial", "Coronal", "Sagittal"]
    for picture in after:
        np.testing.assert_allclose(
            centre_of_edges(picture), expected_place(picture["name"]), atol=0.04
        )
    # Radiological display: the spot is on the patient's left, and lay 20 mm farther right.
    for picture in one["rows"][1]["planes"][:2]:
        np.testing.assert_allclose(
            centre_of_edges(picture), expected_place(picture["name"], 20.0), atol=0.04
        )


def test_a_partner_that_was_left_is_shown_as_it_is(fused):
    result = fused(volume(balls))
    (one,) = placements_of(result, result.native)
    assert [row["name"] for row in one["rows"]] == [
        "Now: checkerboard",
        "Now: edges of the partner",
    ]
    assert (one["verdict"], one["found"], one["moved"]) == (
        "not checked", "", "left where it was",
    )  # fmt: skip
    assert result.before == [None]


def test_the_page_has_a_line_and_pictures_of_each_partner(fused, tmp_path):
    partners = [volume(balls, MOVE), volume(lambda places: noise(places)[::-1])]
    write_transform(MOVE, tmp_path / "u.tfm")
    result = fused(
        partners,
        transform=[tmp_path / "u.tfm", "auto"],
        task=["pet-mri", "mr-mr"],
        window=[(500, 1000), "auto"],
    )
    page = write_fusion_report(tmp_path / "r.html", result).read_text()
    assert page.count('<img src="data:image/png;base64,') == 3 * (4 + 2)
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "not checked ; moved by the transform given." in text.replace("checked;", "checked ;")
    assert "left where it was." in text
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "img-src data:;" in policy


def test_what_was_found_is_said(fused):
    result = fused(volume(balls))
    about = result.record["partners"][0]
    about |= {"register_verdict": "off", "off_mm": 12.34, "off_degrees": 5.04, "is_sided": True}
    (one,) = placements_of(result, result.native)
    assert (one["verdict"], one["found"]) == ("off", "12.3 mm and 5.0° from there")
    about["is_sided"] = False
    (one,) = placements_of(result, result.native)
    assert one["found"] == "12.3 mm and 5.0° from there; left and right cannot be told apart"


def test_a_colour_partner_has_pictures_too(fused):
    grey, affine = volume(balls)
    color = np.stack([grey, grey / 2, grey / 4], axis=-1) / grey.max()
    result = fused((color, affine), window="auto")
    (one,) = placements_of(result, result.native)
    for picture in one["rows"][1]["planes"]:
        np.testing.assert_allclose(
            centre_of_edges(picture), expected_place(picture["name"]), atol=0.04
        )


def test_a_picture_has_no_place(pixel_maximum, tmp_path):
    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 255, (20, 24), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    result = fuse_volumes(
        tmp_path / "a.png", tmp_path / "b.png",
        task="mr-mr", keep_native=True, weights=pixel_maximum,
    )  # fmt: skip
    assert placements_of(result, result.native) == []


def test_a_checkerboard_takes_turns():
    edge = PIXELS // SQUARES
    board = checkerboard(np.ones((2 * edge, 2 * edge)), np.zeros((2 * edge, 2 * edge)))
    assert board[0, 0].tolist() == board[-1, -1].tolist() == [1, 1, 1]
    assert board[0, -1].tolist() == board[-1, 0].tolist() == [0, 0, 0]


def test_a_plane_without_the_partner_has_no_edges():
    anatomical = np.full((30, 40), 0.5)
    assert (edges(anatomical, np.zeros((30, 40))) == 0.5).all()
