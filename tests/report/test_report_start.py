"""Where the cross-hair starts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from report_pages import SHAPE, affine_of, report, scene_of

from mactfusion.report.start import starting_voxel

MIDDLE = [size // 2 for size in SHAPE]
SPOT = (3, 20, 5)


def volume(spot, value=1.0, order="LPS", channels=1, shape=SHAPE):
    voxels = torch.zeros(channels, *shape)
    voxels[(slice(None), *spot)] = value
    return MetaTensor(voxels, affine=torch.tensor(affine_of(order)))


@pytest.mark.parametrize("task", ["pet-mri", "spect-mri"])
def test_uptake_starts_at_its_hottest_voxel(task):
    assert starting_voxel(task, [volume(SPOT)], None) == list(SPOT)
    assert starting_voxel(task, [volume(SPOT, channels=3)], None) == list(SPOT)


@pytest.mark.parametrize("task", ["ct-mri", "mr-mr", None])
def test_without_uptake_the_middle_is_first(task):
    assert starting_voxel(task, [volume(SPOT)], None) == MIDDLE


def test_the_first_of_several_with_uptake_counts():
    each = [volume((1, 1, 1)), volume(SPOT), volume((2, 2, 2))]
    assert starting_voxel("ct-mri + pet-mri + spect-mri", each, None) == list(SPOT)


def test_own_values_are_hotter_than_a_window_that_cuts_them():
    luminance = torch.zeros(1, *SHAPE)
    luminance[0, 2:6, 18:23, 4:9] = 1.0
    shown = MetaTensor(luminance, affine=torch.tensor(affine_of("LPS")))
    own = volume(SPOT, 31_000.0)
    own[0, :, :, 0] = float("nan")
    anatomical = volume((0, 0, 0))
    assert starting_voxel("pet-mri", [shown], [anatomical, own]) == list(SPOT)
    # Without them the middle of the plateau is the best guess.
    assert starting_voxel("pet-mri", [shown], None) in ([3, 20, 6], [4, 20, 6])


def test_colours_of_its_own_are_judged_by_luminance():
    native = [volume((0, 0, 0)), volume((9, 9, 9), 200.0, channels=3)]
    assert starting_voxel("pet-mri", [volume(SPOT, channels=3)], native) == list(SPOT)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_a_blank_partner_starts_in_the_middle(value):
    blank = MetaTensor(torch.full((1, *SHAPE), value), affine=torch.tensor(affine_of("LPS")))
    assert starting_voxel("pet-mri", [blank], None) == MIDDLE


def test_the_page_starts_there_whatever_the_order_of_axes(tmp_path):
    partner = volume(SPOT, order="RAS")
    page = report(
        tmp_path / "report.html",
        {"anatomical": partner, "partner": partner, "fused": partner},
        {"task": "pet-mri"},
    )
    assert scene_of(page)["start"] == [SHAPE[0] - 1 - 3, SHAPE[1] - 1 - 20, 5]


def test_a_page_of_less_resolution_starts_in_the_voxel_that_holds_it(tmp_path):
    voxels = torch.zeros(1, 400, 6, 5)
    voxels[0, 301, 2, 1] = 1.0
    partner = MetaTensor(voxels, affine=torch.tensor(np.diag([-1.0, -1.0, 1.0, 1.0])))
    page = report(
        tmp_path / "report.html",
        {"anatomical": partner, "partner": partner, "fused": partner},
        {"task": "pet-mri"},
    )
    assert scene_of(page)["start"] == [int(301.5 * 192 / 400), 2, 1]
