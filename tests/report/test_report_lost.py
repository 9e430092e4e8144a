"""The report's first page says what was lost, and where."""

from __future__ import annotations

import re

import numpy as np
import pytest
from report_pages import MARKER_RAS_MM, affine_of, recorded, report, volumes_with_marker

REGION = {
    "kind": "lost",
    "source": "partner",
    "position": [float(value) for value in MARKER_RAS_MM],
    "size": 6.0,
    "unit": "mm",
    "kept": 0.12,
}


def page_of(tmp_path, affine, **summary):
    volumes, _ = volumes_with_marker(affine)
    partners = [{**recorded("a.nii", "pet-mri"), "input": "partner"}]
    said = {"task": "pet-mri", "partners": partners, **summary}
    return report(tmp_path / "report.html", volumes, said)


@pytest.mark.parametrize("order", ["RAS", "LPS", "SAR"])
def test_a_region_is_listed_and_can_be_gone_to(tmp_path, order):
    page = page_of(
        tmp_path, affine_of(order), lost=[REGION, {**REGION, "kind": "invented", "source": "fused"}]
    )
    line = re.search(r"What was lost</h2>\s*<p>([^<]*)</p>", page)[1]
    assert line == "1 region of PET lost, 1 region invented."
    assert "12 %" in page
    assert "6 mm" in page
    at = [int(value) for value in re.search(r'data-at="([\d,]+)"', page)[1].split(",")]
    scene = re.search(r'id="scene">(.*?)</script>', page)[1]
    affine = np.array(eval(re.search(r'"affine": (\[\[.*?\]\])', scene)[1]))
    assert np.allclose((affine @ [*at, 1])[:3], MARKER_RAS_MM, atol=2)


def test_nothing_lost_and_not_checked_are_said(tmp_path):
    assert "No structure of a source is lost" in page_of(tmp_path, affine_of(), lost=[])
    assert "Not checked." in page_of(tmp_path, affine_of(), lost=None)
    assert "What was lost" not in page_of(tmp_path, affine_of())
