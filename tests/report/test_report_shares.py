"""Shares on the page: where they are, whose they are, and nothing of them without."""

from __future__ import annotations

import base64
import gzip
import re

import numpy as np
import torch
from monai.data import MetaTensor
from report_pages import SHAPE, affine_of, body_text, report, scene_of, volumes_with_marker

from mactfusion.report.fusion import write_report


def with_shares(path, order, rotation=None):
    volumes, marker_ras = volumes_with_marker(affine_of(order, rotation))
    anatomical = volumes["anatomical"]
    # The marker is the partner's, all else the anatomical volume's.
    shares = torch.cat([1 - (anatomical > 0.5).float(), (anatomical > 0.5).float()])
    write_report(
        path,
        **volumes,
        summary={},
        notes=[],
        options={},
        shares=MetaTensor(shares, affine=anatomical.affine),
    )
    return path.read_text(encoding="utf-8"), marker_ras


def shares_on(page):
    packed = re.search(r'id="voxels-shares">(.*?)</script>', page, re.DOTALL)[1]
    voxels = np.frombuffer(gzip.decompress(base64.b64decode(packed)), np.uint8)
    return voxels.reshape(2, *reversed(SHAPE_ON_PAGE)).transpose(0, 3, 2, 1)


SHAPE_ON_PAGE = SHAPE


def test_shares_lie_where_the_volumes_do(tmp_path):
    for order in ("RAS", "LPS", "LAI"):
        page, marker_ras = with_shares(tmp_path / f"{order}.html", order)
        scene = scene_of(page)
        assert scene["shares"] == ["anatomical", "partner"]
        assert scene["channels"]["shares"] == 2
        index = np.argwhere(shares_on(page)[1] == 255)
        assert len(index) == 1
        place = (np.array(scene["affine"]) @ [*index[0], 1.0])[:3]
        assert np.allclose(place, marker_ras, atol=1e-3)


def test_the_page_tells_whose_share_is_which(tmp_path):
    page, _ = with_shares(tmp_path / "page.html", "RAS")
    assert 'id="show-shares"' in page
    assert page.count("<output data-share=") == 3
    assert "Where it came from" in body_text(page)


def test_without_shares_there_is_nothing_of_them(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "page.html", volumes)
    assert scene_of(page)["shares"] == []
    assert 'id="show-shares"' not in page
    assert "<output data-share=" not in page
