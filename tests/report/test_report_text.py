"""What the report says, escapes and promises."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from report_pages import SHAPE, affine_of, recorded, report, volumes_with_marker

HOSTILE = "</script><script>alert('&')</script><img src=x onerror=alert(1)>"


def test_text_cannot_break_out(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    volumes["native"] = [volumes["anatomical"], volumes["anatomical"]]
    hostile = {"units": HOSTILE, "colormap": HOSTILE, "colors": [HOSTILE]}
    summary = {
        "task": HOSTILE,
        "units": HOSTILE,
        "anatomical_level_width": [1.0, 2.0],
        "partners": [recorded(HOSTILE, "ct-mri", **hostile)],
        "coverage": 0.5,
        "seconds": {HOSTILE: 1.0},
        "versions": {HOSTILE: HOSTILE},
        "weights": HOSTILE,
        "weights_sha256": HOSTILE,
    }
    page = report(
        tmp_path / "report.html", volumes, summary, notes=[HOSTILE], options={HOSTILE: HOSTILE}
    )
    plain = report(tmp_path / "plain.html", volumes)
    assert "<img" not in page
    # The scene, three pictures, values of two sources, and the script itself.
    assert page.lower().count("<script") == plain.lower().count("<script") == 7
    assert page.lower().count("</script") == 7
    assert "&lt;/script&gt;&lt;script&gt;" in page


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    volumes["native"] = [volumes["anatomical"], volumes["anatomical"]]
    summary = {"task": "pet-mri", "partners": [recorded("a.nii", "pet-mri", units="SUV")]}
    page = report(tmp_path / "report.html", volumes, summary)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none';")
    assert "://" not in page
    assert not re.search(r"\b(src|href|action)=|@import|url\(", page)
    without_voxels = re.sub(r'id="(voxels|values)-\w+">[^<]*<', "", page)
    assert "http" not in without_voxels.replace("http-equiv", "")


def test_everything_said_is_on_the_page(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(
        tmp_path / "report.html",
        volumes,
        {
            "task": "spect-mri",
            "coverage": 0.8736,
            "seconds": {"common grid": 1.204},
            "versions": {"torch": "9.8.7"},
            "weights": "model.pt",
            "weights_sha256": "ab" * 32,
        },
        notes=["The partner covers only a part.", "  "],
        options={"window": (50.0, 120.0), "luminance": True, "weights": tmp_path / "own.pt"},
    )
    body = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    for text in (
        "Not a medical device; not for diagnosis.",
        "covers 87.4 % of the anatomical volume",
        "common grid 1.20 s",
        "torch 9.8.7",
        "model.pt",
        "ab" * 32,
        "The partner covers only a part.",
        "window 50, 120",
        "luminance yes",
        "weights own.pt",
        "Partner (SPECT)",
    ):
        assert text in body
    assert str(tmp_path) not in page
    assert page.count("<li>") == 1


def test_bare_page_leaves_lines_out(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes)
    assert "<meter" not in page
    assert "SHA-256" not in page
    assert "None" not in re.sub(r"<p>None\.</p>", "", page)


def test_meta_data_stay_out(tmp_path):
    volumes, _ = volumes_with_marker(
        affine_of(), meta={"filename_or_obj": "Doe_Jane.nii.gz", "0010|0010": "Doe^Jane"}
    )
    assert "Doe" not in report(tmp_path / "report.html", volumes)


def test_histogram_peaks_at_the_common_value_and_survives_a_blank_volume(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes)
    lines = re.findall(r'<polyline class="(\w+)" points="([^"]*)"', page)
    assert [name for name, _ in lines] == ["anatomical", "partner", "fused"]
    heights = [1 - float(point.split(",")[1]) for point in lines[0][1].split()]
    # Nearly all voxels have the value 0.1, which is bin 6 of 64.
    assert int(np.argmax(heights)) == 6
    assert max(heights) == pytest.approx(1.0)
    blank = MetaTensor(torch.zeros(1, *SHAPE), affine=torch.tensor(affine_of()))
    blank_page = report(
        tmp_path / "blank.html", {"anatomical": blank, "partner": blank, "fused": blank}
    )
    blank_points = re.search(r'<polyline class="fused" points="([^"]*)"', blank_page)[1]
    assert {point.split(",")[1] for point in blank_points.split()} == {"1.0000"}
