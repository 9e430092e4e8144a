"""What lies beside a grey result explains no colours that it does not have."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mactfusion import fuse_volumes
from mactfusion.report.fusion import write_fusion_report
from mactfusion.report.picture import write_legend, write_picture
from mactfusion.report.two_way import legends_of

IN_COLOR_FROM = 40
"""Difference of two channels, of 255, from which a pixel of a picture has a colour of a table; the
texts on it have less, or are few."""


@pytest.fixture
def results(mr, pet, pixel_maximum):
    """The same fusion in grey and in colour."""
    options = {"task": "pet-mri", "weights": pixel_maximum, "check": False}
    return {
        is_grey: fuse_volumes(mr, pet, luminance=is_grey, **options) for is_grey in (True, False)
    }


def share_in_color(path):
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return float((np.ptp(pixels, axis=-1) > IN_COLOR_FROM).mean())


@pytest.mark.parametrize("write", [write_picture, write_legend])
def test_pictures_have_the_colours_of_the_result(write, results, tmp_path):
    shares = {
        is_grey: share_in_color(write(tmp_path / f"{is_grey}.png", result))
        for is_grey, result in results.items()
    }
    assert shares[True] < 0.01 < 0.05 < shares[False]


def test_a_partner_that_stays_grey_has_no_ramp_of_values(mr, pet, pixel_maximum, tmp_path):
    """Brightness of the fused picture comes from both sources."""
    result = fuse_volumes(mr, pet, task="ct-mri", weights=pixel_maximum, check=False)
    for write in (write_legend, write_picture):
        pixels = np.asarray(Image.open(write(tmp_path / "a.png", result)).convert("L"))
        assert max(len(np.unique(row)) for row in pixels[-100:]) < 100
    page = write_fusion_report(tmp_path / "a.html", result).read_text("utf-8")
    assert "brightness of the fused picture gives" in page
    colored = fuse_volumes(mr, pet, task="pet-mri", weights=pixel_maximum, check=False)
    page = write_fusion_report(tmp_path / "b.html", colored).read_text("utf-8")
    assert "brightness of the fused picture gives" not in page


def test_the_worker_sends_no_legend_of_a_grey_result(results):
    sent = {is_grey: legends_of(result.record) for is_grey, result in results.items()}
    assert sent[True][0]["png"] == ""
    assert sent[False][0]["png"]
    assert sent[True][0]["high"] == sent[False][0]["high"]


def test_the_report_says_whose_colours_they_are(results, tmp_path):
    pages = {
        is_grey: write_fusion_report(tmp_path / f"{is_grey}.html", result).read_text("utf-8")
        for is_grey, result in results.items()
    }
    said = "The fused picture is grey: these are the colours of the partner's own picture."
    two_way = 'class="scale two-way"'
    assert said in pages[True]
    assert two_way not in pages[True]
    assert said not in pages[False]
    assert two_way in pages[False]


def test_a_legend_of_a_grey_result_is_refused_at_once(fuse, nothing_left):
    outcome = fuse("-o", "fused.nii.gz", "--luminance", "--legend", "legend.png")
    assert outcome.refused("leave out one of both")
    assert nothing_left()
