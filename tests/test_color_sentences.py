"""Sentences on colours: those of ``mactfusion colors``, and of a tint that tints nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.transforms.color_names import METALS
from mactfusion.transforms.colormap import apply_color_table, color_table, table_of_stops
from mactfusion.trust.readable import promise_of


def about(name, warnings):
    return [sentence for sentence in warnings if name in sentence]


@pytest.mark.parametrize(
    "table", ["prism", "tab20", "hsv", "viridis", "jet", "hot_iron", "grey", METALS[0]]
)
def test_fuse_says_of_a_table_what_colors_prints(table, mr, pet, pixel_maximum, run_command):
    printed = " ".join(run_command("colors", table).out.split())
    promise = promise_of(table)
    assert f"{table} {promise.sentence}." in printed
    result = fuse_volumes(
        mr, pet, task="pet-mri", colormap=table, weights=pixel_maximum, check=False
    )
    said = about("The colour table of", result.warnings)
    if promise.is_kept:
        assert said == []
    else:
        (sentence,) = said
        assert f"({table}) {promise.sentence}; the colormap" in sentence


@pytest.mark.parametrize(("mode", "table"), [("legible", METALS[0]), ("ycbcr", "hot_iron")])
def test_auto_is_the_table_that_fuse_takes(mode, table, run_command):
    printed = run_command("colors", "auto", "--colors", mode)
    assert printed.code == 0
    assert printed.out == run_command("colors", table, "--colors", mode).out


def test_a_table_of_entries_is_measured_whole(mr, pet, pixel_maximum):
    """At the 17 stops of the record it is hot_metal; between two of them it goes to one green."""
    values = torch.linspace(0, 1, 257)
    hot = apply_color_table(values[None], color_table(METALS[0])).T
    away = 0.5 - 0.5 * torch.cos(2 * torch.pi * 16 * values)[:, None]
    steps = torch.lerp(hot, torch.tensor([0.2, 0.8, 0.2]), away).numpy().clip(0, 1)
    result = fuse_volumes(
        mr, pet, task="pet-mri", colormap=steps, weights=pixel_maximum, check=False
    )
    (sentence,) = about("The colour table of", result.warnings)
    assert promise_of(steps).sentence in sentence
    stops = table_of_stops(result.record["partners"][0]["colors"])
    assert promise_of(stops).sentence not in sentence


def test_nothing_is_said_of_colours_that_are_left_out(mr, pet, pixel_maximum):
    options = {"task": "pet-mri", "weights": pixel_maximum, "check": False, "luminance": True}
    assert fuse_volumes(mr, pet, colormap="jet", **options).warnings == []


@pytest.fixture
def partners(mr, pet):
    array, affine = mr
    ct = np.where(array > 300, 900, np.where(array > 0, 40, -1000)).astype(np.float32)
    colors = np.random.default_rng(0).integers(0, 256, (*array.shape, 3)).astype(np.uint8)
    return {"ct": (ct, affine), "pet": pet, "colors": (colors, affine)}


@pytest.mark.parametrize(
    ("name", "task", "options", "reason"),
    [
        ("ct", "ct-mri", {}, ""),
        ("ct", "ct-mri", {"colors": "ycbcr"}, ""),
        ("ct", "ct-mri", {"luminance": True}, "the result is grey"),
        ("pet", "pet-mri", {}, "no partner is a CT beside an MR"),
        ("ct", "mr-mr", {}, "no partner is a CT beside an MR"),
        ("colors", "ct-mri", {}, "the CT keeps its own colours"),
    ],
)
def test_a_tint_that_changes_nothing_is_said(
    name, task, options, reason, mr, partners, pixel_maximum
):
    options = {"task": task, "weights": pixel_maximum, "check": False, **options}
    plain = fuse_volumes(mr, partners[name], **options)
    tinted = fuse_volumes(mr, partners[name], tint="ct", **options)
    is_same = tinted.fused.shape == plain.fused.shape and torch.allclose(
        tinted.fused.as_tensor(), plain.fused.as_tensor(), atol=1e-6
    )
    said = about("tint='ct' changes nothing", tinted.warnings)
    assert said == ([f"tint='ct' changes nothing: {reason}."] if reason else [])
    assert is_same == bool(reason)
    assert about("tint", plain.warnings) == []


def test_one_ct_of_several_partners_is_tinted(mr, partners, pixel_maximum):
    both = [partners["ct"], partners["pet"]]
    result = fuse_volumes(
        mr, both, task=["ct-mri", "pet-mri"], tint="ct", weights=pixel_maximum, check=False
    )
    assert about("tint", result.warnings) == []
