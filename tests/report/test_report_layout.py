"""The room for pictures: shared out by the page's script so that they are as large as can be."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import torch
from monai.data import MetaTensor
from report_pages import affine_of, report, scene_of

from mactfusion.report.fusion import TEMPLATE

HEAD, SLAB = (180, 220, 150), (220, 220, 12)


def arrangement(extent, sources, width, height):
    """What the script chooses for a volume of this size in mm."""
    scene = scene_of_extent(extent)
    margin = re.search(
        r"const margin = .*?;", TEMPLATE.with_name("slices.js").read_text(), re.DOTALL
    )[0]
    program = f"""
        const scene = {json.dumps(scene)};
        const extent = (axis) => scene.shape[axis] * scene.spacing[axis];
        {margin}
        {TEMPLATE.with_name("layout.js").read_text()}
        console.log(JSON.stringify(bestArrangement({sources}, {width}, {height})));
    """
    ran = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def scene_of_extent(extent):
    planes = [{"across": 0, "down": 1}, {"across": 0, "down": 2}, {"across": 1, "down": 2}]
    return {"shape": extent, "spacing": [1, 1, 1], "picture": False, "planes": planes}


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(
    ("extent", "sources", "room", "stacked", "columns"),
    [
        (HEAD, 3, (1100, 740), True, 3),
        (SLAB, 3, (1100, 740), True, 3),
        (SLAB, 6, (1100, 740), True, 3),
        (HEAD, 3, (400, 900), True, 2),
        (SLAB, 3, (400, 1400), True, 1),
        (HEAD, 1, (1100, 400), False, 1),
    ],
)
def test_the_largest_scale_wins(extent, sources, room, stacked, columns):
    best = arrangement(extent, sources, *room)
    assert (best["stacked"], best["columns"]) == (stacked, columns)
    assert 0 < best["share"] <= 1


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_a_slab_is_larger_than_with_its_planes_side_by_side():
    best = arrangement(SLAB, 3, 1100, 740)
    beside = min(1100 / (3 * 220), 740 / (3 * 220))
    assert best["scale"] > 1.2 * beside


def test_planes_of_a_slab_are_all_there(tmp_path):
    slab = MetaTensor(torch.rand(1, 64, 64, 3), affine=torch.tensor(affine_of("LPS")))
    page = report(tmp_path / "report.html", dict.fromkeys(("anatomical", "partner", "fused"), slab))
    assert [plane["name"] for plane in scene_of(page)["planes"]] == ["Axial", "Coronal", "Sagittal"]
