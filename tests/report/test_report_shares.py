"""Shares on the page: where they are, whose they are, and nothing of them without."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from report_pages import SHAPE, affine_of, body_text, report, scene_of, volumes_with_marker

from mactfusion.amounts import percent
from mactfusion.report.fusion import TEMPLATE, write_report
from mactfusion.report.page import shares_on_page


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


def test_means_of_shares_are_neither_nothing_nor_all_where_they_are_not():
    """One voxel of 16 has 2/255 of the first source; the page averages 4 x 4 of them."""
    shares = torch.zeros(2, 768, 768, 8)
    shares[0, ::4, ::4, 0] = 2 / 255
    shares[0, :4, :4] = 0
    shares[1] = 1 - shares[0]
    means = shares_on_page(MetaTensor(shares, affine=torch.diag(torch.tensor([-1.0, -1, 1, 1]))))
    codes = torch.round(means * 255).long()
    assert codes.shape == (2, 192, 192, 8)
    assert codes[:, 0, 0, 0].tolist() == [0, 255]
    assert codes[:, 5, 5, 0].tolist() == [1, 254]
    assert codes[:, 5, 5, 1].tolist() == [0, 255]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_says_every_share_as_the_library_does():
    script = TEMPLATE.with_name("values.js").read_text()
    wanted = script[: script.index("function showPosition")]
    codes = list(range(256))
    program = f"""
        const scene = {{shares: ["anatomical", "partner"]}};
        const channelStride = 256; const stride = [1]; let at = 0;
        const index = {{reduce: () => at}};
        const volumes = {{shares: [...{codes}, ...{codes[::-1]}]}};
        {wanted}
        const said = [];
        for (; at < 256; at += 1) said.push(scene.shares.map(shareText));
        volumes.shares.fill(0); at = 0;
        console.log(JSON.stringify([said, shareText("partner"), shareText("fused")]));
    """
    ran = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    said, where_none_can_be_told, of_no_source = json.loads(ran.stdout)
    assert said == [[percent(code / 255), percent(1 - code / 255)] for code in codes]
    assert said[1] == ["less than 1 %", "more than 99 %"]
    assert (where_none_can_be_told, of_no_source) == ("\N{EN DASH}", "")
