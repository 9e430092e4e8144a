"""Several partners beside one MR: one result, whatever order they were given in."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.evaluation.cases import Case, Preparation
from mactfusion.evaluation.slices import load_slices
from mactfusion.transforms.color import BACKGROUND, rgb_to_ycbcr
from mactfusion.transforms.color_names import TABLES_OF_TRACERS
from mactfusion.transforms.colormap import color_table


def saturation(rgb):
    return np.ptp(np.asarray(rgb), axis=0)


TASKS = {"ct": "ct-mri", "pet": "pet-mri", "spect": "spect-mri", "t2": "mr-mr"}


def without_numbers(record):
    return [
        {key: value for key, value in partner.items() if key != "input"}
        for partner in record["partners"]
    ]


def test_cubes_hold_all_partners(mr, fuse_several):
    cubes = fuse_several("pet", "ct", grid="isotropic", window=["3000,6000", "bone"])
    thick = fuse_several("pet", "ct", window=["3000,6000", "bone"])
    assert cubes.record["options"]["grid"] == "isotropic"
    assert cubes.fused.shape == (3, 24, 28, 10)  # 4 slices of 10 mm in cubes of 4 mm
    assert np.allclose(np.diag(cubes.fused.affine), [4, 4, 4, 1])
    bounds = [
        result.fused.affine[2, 3] + float(result.fused.affine[2, 2]) * place
        for result, place in ((cubes, -0.5), (thick, -0.5), (cubes, 9.5), (thick, 3.5))
    ]
    assert bounds[0] == pytest.approx(float(bounds[1]))
    assert bounds[2] == pytest.approx(float(bounds[3]))
    # A voxel of 10 mm is the mean of the cubes in it where values change evenly.
    assert cubes.fused.mean() == pytest.approx(float(thick.fused.mean()), rel=0.1)
    assert [tuple(p.shape[1:]) for p in cubes.partners] == [(24, 28, 10)] * 2


@pytest.mark.parametrize("names", itertools.permutations(("ct", "pet", "spect")))
def test_the_order_of_the_partners_changes_nothing(names, fuse_several):
    windows = {"ct": "bone", "pet": "3000,6000", "spect": (1000, 2000)}
    expected = fuse_several("ct", "pet", "spect", window=list(windows.values()))
    result = fuse_several(*names, window=[windows[name] for name in names])
    assert saturation(expected.fused).max() > 0.3
    assert torch.equal(result.fused, expected.fused)
    assert without_numbers(result.record) == without_numbers(expected.record)
    inputs = [partner["input"] for partner in result.record["partners"]]
    assert inputs == [f"partner {names.index(name) + 1}" for name in ("ct", "pet", "spect")]
    levels = [partner["level_width"] for partner in result.record["partners"]]
    assert levels == [[600, 2800], [3000, 6000], [1000, 2000]] == result.record["level_width"]


def test_two_of_one_kind_have_an_order_too(mr, volumes, pixel_maximum):
    pair = [volumes["pet"], volumes["spect"]]
    options = {"task": ["pet-mri"] * 2, "weights": pixel_maximum}
    first, second = (fuse_volumes(mr, order, **options) for order in (pair, pair[::-1]))
    assert torch.equal(first.fused, second.fused)


def test_a_list_of_one_is_that_one(mr, volumes):
    alone = fuse_volumes(mr, volumes["pet"], task="pet-mri", window="3000,6000")
    listed = fuse_volumes(mr, [volumes["pet"]], task=["pet-mri"], window=["3000,6000"])
    assert torch.equal(listed.fused, alone.fused)
    alike = {"seconds": 0, "date": ""}
    assert {**listed.record, **alike} == {**alone.record, **alike}
    assert [partner["input"] for partner in alone.record["partners"]] == ["partner"]
    (only,) = alone.partners
    assert torch.equal(only, alone.partner)


def test_the_network_sees_the_brightest_partner_once(mr, volumes, fuse_several, pixel_maximum):
    calls = []
    options = {"progress": lambda *call: calls.append(call), "colors": "ycbcr"}
    result = fuse_several("ct", "pet", "spect", **options)
    assert calls == [(done, 4) for done in (1, 2, 3, 4)]
    alone = []
    for tracer, name in enumerate(("ct", "pet", "spect")):
        table = "auto" if name == "ct" else TABLES_OF_TRACERS["ycbcr"][tracer - 1]
        options = {"task": TASKS[name], "weights": pixel_maximum, "colormap": table}
        options["colors"] = "ycbcr"
        partner = fuse_volumes(mr, volumes[name], **options).partner.as_tensor()
        alone.append(rgb_to_ycbcr(partner)[:1] if len(partner) == 3 else partner)
        assert (result.partners[tracer] - partner).abs().max() <= 0.5 / 255 + 1e-6
        assert torch.equal(result.partners[tracer].affine, result.fused.affine)
    brightest = torch.stack(alone).amax(0)
    assert (rgb_to_ycbcr(result.partner)[:1] - brightest).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("colors", "tables"),
    [("legible", ["hot_metal", "cool_metal"]), ("ycbcr", ["hot_iron", "cool_iron"])],
)
def test_ct_stays_grey_and_each_tracer_has_its_hue(colors, tables, fuse_several):
    result = fuse_several("spect", "ct", "pet", colors=colors)
    fused = result.fused.numpy()
    right, left = fused[:, :4], fused[:, -4:]  # uptake of one tracer each
    assert (right[2] - right[0]).max() > 0.2, "SPECT is blue"
    assert (right[0] - right[2]).max() < 1e-5
    assert (left[0] - left[2]).max() > 0.2, "PET is red"
    assert (left[2] - left[0]).max() < 1e-5
    assert [p["colormap"] for p in result.record["partners"]] == ["grey", *tables]
    only_ct = fuse_several("ct", "t2").fused
    assert only_ct.shape[0] == 1


@pytest.mark.parametrize("colors", ["legible", "ycbcr"])
def test_where_two_tracers_meet_the_stronger_gives_the_hue(colors, mr, pixel_maximum):
    array, affine = mr
    seen = array > 100
    strong, weak = (np.where(seen, value, 0).astype(np.float32) for value in (60, 20))
    weak[:12], strong[:12] = strong[:12], weak[:12].copy()
    dark = np.zeros_like(array)
    dark[0, 0, 0] = 1
    result = fuse_volumes(
        (dark, affine),
        [(strong, affine), (weak, affine)],
        task=["pet-mri", "spect-mri"],
        window=[(50, 100), (50, 100)],
        weights=pixel_maximum,
        colors=colors,
    )
    red, _, blue = result.fused.numpy()
    assert (red - blue)[12:][seen[12:]].min() > 0.25, "PET is stronger"
    assert (blue - red)[:12][seen[:12]].min() > 0.25, "SPECT is stronger"


@pytest.mark.parametrize("name", TABLES_OF_TRACERS["ycbcr"])
def test_tables_of_tracers_are_equally_bright_and_grow(name):
    table, iron = color_table(name), color_table("hot_iron")
    luminance = rgb_to_ycbcr(table.T)[0]
    assert (luminance - rgb_to_ycbcr(iron.T)[0]).abs().max() < 1e-5
    assert (luminance.diff() >= -1e-6).all()
    assert table[0].max() == 0
    assert table[-1].min() == pytest.approx(1)
    assert 0 <= table.min() <= table.max() <= 1 + 1e-6
    others = [color_table(other) for other in TABLES_OF_TRACERS["ycbcr"] if other != name]
    assert all((table[128] - other[128]).abs().max() > 0.4 for other in others)


def test_doubtful_hues_are_said(mr, volumes, fuse_several, pixel_maximum):
    assert fuse_several("pet", "spect", check=False).warnings == []
    options = {"colormap": "pet", "colors": "ycbcr", "check": False}
    (sentence,) = fuse_several("pet", "spect", **options).warnings
    assert "same colours" in sentence
    array, affine = mr
    colours = np.random.default_rng(0).integers(0, 256, (*array.shape, 3)).astype(np.uint8)
    result = fuse_volumes(
        mr,
        [volumes["pet"], (colours, affine)],
        task=["pet-mri", "spect-mri"],
        weights=pixel_maximum,
        check=False,
    )
    keeps, read = result.warnings
    assert "keeps its own colours" in keeps
    assert "from hue and saturation of its own colours alone" in read
    assert result.record["partners"][1]["colors"] == []


@pytest.mark.parametrize("colormap", [["auto", "viridis"], ["auto", [[0, 0, 0], [0, 1, 0]]]])
def test_a_table_for_one_partner(colormap, fuse_several):
    red, green, blue = fuse_several("ct", "pet", colormap=colormap).fused.numpy()
    assert (green - red).max() > 0.1
    assert (green - blue).max() > 0.1


def test_one_task_is_for_all(fuse_several, volumes):
    given = fuse_several("pet", "spect", task="pet-mri")
    assert given.record["options"]["task"] == ["pet-mri", "pet-mri"]
    assert torch.equal(given.fused, fuse_several("pet", "spect", task=["pet-mri"] * 2).fused)
    (sentence,) = fuse_several("ct", "pet", task="pet-mri", check=False).warnings
    assert "does not expect the partner array, which is taken as CT" in sentence


def test_coverage_and_warnings_of_each_partner(mr, volumes, pixel_maximum):
    array, affine = volumes["pet"]
    half = (array[10:], affine @ translation(10))
    mr[0][0, 0, 0] = np.nan
    options = {"task": ["pet-mri", "ct-mri"], "weights": pixel_maximum, "check": False}
    result = fuse_volumes(mr, [half, volumes["ct"]], colors="ycbcr", **options)
    assert [p["coverage"] for p in result.record["partners"]] == [1, pytest.approx(0.5)]
    assert result.coverage == pytest.approx(0.5)
    not_finite, covers = result.warnings
    assert "1 values are not finite" in not_finite
    assert "covers 50.0 %" in covers
    assert result.record["notes"] == result.warnings
    # The MR alone where neither shows anything, the CT where the PET does not reach.
    right = result.fused.numpy()[:, :12]
    assert saturation(right).max() < 1e-6
    brighter = np.maximum(result.anatomical.numpy()[0], result.partner.numpy()[0])[:12]
    shown = brighter > BACKGROUND
    assert np.abs(right[0] - brighter)[shown].max() < 0.02


def translation(offset):
    matrix = np.eye(4)
    matrix[0, 3] = offset
    return matrix


def test_command_fuses_several_and_reports_them(three_files, run_command, pixel_maximum):
    words = ("--weights", pixel_maximum, "--task", "auto", "--task", "pet-mri")
    partners = ("ct.nii.gz", "pet.nii.gz", "spect.nii.gz")
    words = (*words, "--task", "spect-mri", "-o", "fused.nrrd", "--report", "fused.html")
    words = (*words, "--keep-names")
    outcome = run_command("fuse", "mr.nii.gz", *partners, *words)
    assert outcome.code == 0, outcome.err
    assert ", ct.nii.gz 50,120 HU, pet.nii.gz " in outcome.out
    record = json.loads((three_files / "fused.nrrd.json").read_text())
    assert record["task"] == "ct-mri + pet-mri + spect-mri"
    assert [p["name"] for p in record["partners"]] == list(partners)
    assert [record["inputs"][p["input"]]["name"] for p in record["partners"]] == list(partners)
    assert record["options"]["task"] == ["auto", "pet-mri", "spect-mri"]
    page = (three_files / "fused.html").read_text()
    assert "Anatomical (MR) · CT, PET, SPECT" in page
    assert "level 50, width 120 HU" in page
    # Given as SPECT, CT and PET the options read in the order of the columns.
    back = ("spect.nii.gz", "pet.nii.gz", "ct.nii.gz")
    tasks = ("--task", "spect-mri", "--task", "pet-mri", "--task", "auto", "--overwrite")
    words = ("--weights", pixel_maximum, "-o", "fused.nrrd", "--report", "fused.html")
    words = (*words, *tasks, "--keep-names")
    assert run_command("fuse", "mr.nii.gz", *back, *words).code == 0
    again = (three_files / "fused.html").read_text()
    for shown in (page, again):
        assert ">auto, pet-mri, spect-mri<" in shown
    captions = re.findall(r'<p class="caption partner">(.*?)</p>', page)
    names = ["CT ct.nii.gz", "PET pet.nii.gz", "SPECT spect.nii.gz", "Partners joined"]
    assert [re.sub("<[^>]*>", "", caption) for caption in captions] == names
    for number in (1, 2, 3):
        assert f'id="voxels-partner-{number}"' in page
    for partner in record["partners"]:
        assert f": {partner['colormap']}" in page
        assert len(set(partner["colors"])) > 10
        assert partner["colors"][0] == "#000000"


@pytest.mark.parametrize("source", ["ct.nii.gz", "pet.nii.gz", "spect.nii.gz"])
def test_each_source_of_several_is_evaluated_as_the_recipe_saw_it(
    source, three_files, pixel_maximum
):
    given = {
        "spect.nii.gz": ("spect-mri", (1000, 2000), "auto"),
        "ct.nii.gz": ("auto", "bone", "auto"),
        "pet.nii.gz": ("pet-mri", "auto", [[0, 0, 0], [0, 1, 0]]),
    }
    task, window, colormap = (list(values) for values in zip(*given.values(), strict=True))
    options = {"weights": pixel_maximum, "luminance": True}
    fuse_volumes(
        "mr.nii.gz",
        list(given),
        task=task,
        window=window,
        colormap=colormap,
        output="fused.nrrd",
        **options,
    )
    alone = dict(zip(("task", "window", "colormap"), given[source], strict=True))
    fuse_volumes("mr.nii.gz", source, output="alone.nrrd", **alone, **options)
    renamed = (three_files / source).rename(three_files / "renamed.nii.gz")
    several, single = (
        load_slices(Case("", three_files / name, three_files / "mr.nii.gz", renamed), Preparation())
        for name in ("fused.nrrd", "alone.nrrd")
    )
    assert np.ptp(single.source_b) > 50
    assert np.array_equal(several.source_b, single.source_b)
    assert np.array_equal(several.source_a, single.source_a)


def test_evaluation_refuses_a_source_that_is_none_of_several(
    three_files, run_command, pixel_maximum
):
    options = {"task": ["auto", "pet-mri"], "weights": pixel_maximum, "output": "fused.nrrd"}
    options["keep_names"] = True
    fuse_volumes("mr.nii.gz", ["ct.nii.gz", "pet.nii.gz"], **options)
    words = ("evaluate", "fused.nrrd", "mr.nii.gz", "spect.nii.gz", "--metrics", "SCD")
    outcome = run_command(*words, "--jobs", "1")
    assert outcome.refused(
        "several partners (ct.nii.gz, pet.nii.gz in its record), and spect.nii.gz"
    )
