"""Values under the cross-hair: in their own units, rounded as said, and never made up."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from report_pages import (
    SHAPE,
    affine_of,
    body_text,
    recorded,
    report,
    scene_of,
    values_of,
    volumes_with_marker,
)

from mactfusion.report.fusion import TEMPLATE
from mactfusion.report.grid import nearest_on_page
from mactfusion.report.values import embedded_values


def page_of(path, native, affine=None, partners=()):
    """A page of blank pictures over these values."""
    affine = torch.tensor(affine_of("LPS") if affine is None else affine)
    native = [MetaTensor(torch.as_tensor(values), affine=affine) for values in native]
    blank = MetaTensor(torch.zeros(1, *native[0].shape[1:]), affine=affine)
    volumes = dict.fromkeys(("anatomical", "partner", "fused"), blank)
    if len(native) > 2:
        volumes["partners"] = [blank] * (len(native) - 1)
    summary = {"task": " + ".join(one["task"] for one in partners), "partners": partners}
    return report(path, {**volumes, "native": native}, summary)


def hounsfield(shape=SHAPE):
    generator = np.random.default_rng(0)
    return generator.integers(-1024, 3072, (1, *shape)).astype(np.float32)


def test_whole_numbers_stay_as_they_are(tmp_path):
    values = hounsfield()
    partner = recorded("a.nii", "ct-mri", units="HU")
    page = page_of(tmp_path / "r.html", [values + 7, values], partners=[partner])
    np.testing.assert_array_equal(values_of(page, "partner"), values[0])
    np.testing.assert_array_equal(values_of(page, "anatomical"), values[0] + 7)
    assert scene_of(page)["values"]["partner"]["units"] == "HU"
    assert scene_of(page)["values"]["partner"]["decimals"] == 0
    assert "Rounded to steps of 1 (Anatomical), 1 HU (Partner)" in body_text(page)


@pytest.mark.parametrize("scale", [1e-6, 0.003, 1.0, 47.0, 3e4, 2e8])
def test_other_values_are_off_by_half_of_a_step_that_is_fine(scale):
    values = (np.random.default_rng(1).normal(0.3, 1, (9, 8, 7)) * scale).astype(np.float32)
    about, text = embedded_values(values)
    page = f'id="values-x">{text}</script>'
    scene = {"values": {"x": about}, "shape": values.shape}
    page += f'<script id="scene">{json.dumps(scene)}</script>'
    read = values_of(page, "x")
    assert np.abs(read - values).max() <= 0.501 * about["step"]
    assert about["step"] <= np.ptp(values) / 20_000
    # As many digits as the step has show it exactly.
    assert float(f"{about['step']:.{about['decimals']}f}") == pytest.approx(about["step"])


def test_beyond_the_field_of_view_there_is_no_value(tmp_path):
    values = hounsfield()
    values[0, :5] = np.nan
    values[0, 5, 0, 0] = np.inf
    page = page_of(tmp_path / "r.html", [hounsfield(), values])
    expected = np.where(np.isfinite(values[0]), values[0], np.nan)
    np.testing.assert_array_equal(values_of(page, "partner"), expected)
    nothing = np.full_like(values, np.nan)
    page = page_of(tmp_path / "none.html", [hounsfield(), nothing])
    assert np.isnan(values_of(page, "partner")).all()


def test_values_turn_with_the_volume(tmp_path):
    values = np.zeros((1, *SHAPE), dtype=np.float32)
    values[0, 1, 2, 3] = 99.0
    page = page_of(tmp_path / "r.html", [values, values], affine_of("RAS"))
    place = (SHAPE[0] - 2, SHAPE[1] - 3, 3)
    assert np.argwhere(values_of(page, "partner")).tolist() == [list(place)]


def test_values_of_a_large_volume_are_its_own_and_not_means(tmp_path):
    generator = np.random.default_rng(0)
    values = generator.integers(0, 2, (1, 300, 8, 5)).astype(np.float32) * 1000
    page = page_of(tmp_path / "r.html", [values, values], np.diag([-0.5, -1.0, 1.0, 1.0]))
    shown = values_of(page, "partner")
    assert shown.shape == (192, 8, 5)
    assert set(np.unique(shown)) == {0.0, 1000.0}
    centres = (np.arange(192) + 0.5) * 300 / 192 - 0.5
    nearest = np.abs(np.arange(300)[None] - centres[:, None]).argmin(axis=1)
    np.testing.assert_array_equal(shown, values[0, nearest])
    text = body_text(page)
    assert "Pictures and luminance are means of the voxels within" in text
    assert "Values are those of the nearest voxel at full resolution" in text


def test_a_small_volume_is_taken_whole():
    values = MetaTensor(torch.rand(1, *SHAPE))
    np.testing.assert_array_equal(nearest_on_page(values), values.numpy())


def test_colour_pictures_keep_luminance_alone(tmp_path):
    color = np.random.default_rng(0).random((3, *SHAPE)).astype(np.float32)
    names = ["ct-mri", "pet-mri"]
    partners = [recorded("a", names[0], units="HU"), recorded("b", names[1])]
    page = page_of(tmp_path / "r.html", [hounsfield(), hounsfield(), color], partners=partners)
    assert list(scene_of(page)["values"]) == ["anatomical", "partner-1"]
    assert 'id="values-partner-2"' not in page
    assert 'data-luminance="partner-2"' in page


def test_without_values_the_page_has_luminance(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes)
    assert scene_of(page)["values"] == {}
    assert "data-value=" not in page.split("<script")[0]
    assert 'data-luminance="partner"' in page
    assert "Rounded to steps" not in page


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_reads_what_was_written():
    values = np.random.default_rng(2).normal(0, 300, (5, 4, 3)).astype(np.float32)
    values[2] = np.nan
    about, text = embedded_values(values)
    script = TEMPLATE.with_name("values.js").read_text()
    wanted = script[: script.index("function showPosition")]
    scene = json.dumps({"values": {"x": {**about, "units": "HU"}}})
    program = f"""
        const scene = {scene};
        let at = 0; const stride = [1]; const index = {{reduce: () => at}};
        {wanted}
        codes.x = summed(require("zlib").gunzipSync(Buffer.from("{text}", "base64")));
        const said = [];
        for (; at < {values.size}; at += 1) said.push(valueText("x"));
        console.log(JSON.stringify(said));
    """
    ran = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    for value, said in zip(values.ravel(order="F"), json.loads(ran.stdout), strict=True):
        if np.isnan(value):
            assert said == "outside"
        else:
            number, units = said.replace("\N{MINUS SIGN}", "-").split()
            assert units == "HU"
            assert float(number) == pytest.approx(value, abs=0.501 * about["step"])
