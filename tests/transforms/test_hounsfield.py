from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.errors import FusionWarning, InputError
from mactfusion.transforms.hounsfield import judge_hounsfield
from mactfusion.transforms.intensity import ScaleAnatomicald, ScalePartnerd
from mactfusion.transforms.padding import LeaveOutPaddingd, find_padding
from mactfusion.transforms.region import shows_a_head
from mactfusion.transforms.task import ResolveTaskd
from mactfusion.transforms.units import units_of
from mactfusion.transforms.volume import measured


def cylinder(noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head of 48 x 48 x 8 voxels in HU, its brain, and what lies in the scan circle."""
    rows, columns, _ = np.mgrid[:48, :48, :8]
    radius = np.hypot(rows - 24, columns - 24)
    brain = radius < 16
    hounsfield = np.where(brain, 35 + 10 * np.sin(rows / 3), np.where(radius < 18, 900, -1000))
    hounsfield = hounsfield + np.random.default_rng(0).normal(0, noise, brain.shape)
    return hounsfield.astype(np.float32), brain, radius < 23


def as_partner(make_volume, hounsfield, **meta):
    """What the first steps of the recipe make of a CT on an MR: the case of its partner."""
    mr = make_volume(np.random.default_rng(1).random((1, 48, 48, 8)) * 500, modality="MR")
    ct = make_volume(hounsfield[None], **meta)
    data = LeaveOutPaddingd()({"anatomical": mr, "partners": [{"partner": ct}]})
    data["partner"] = data.pop("partners")[0]["partner"]
    return ScalePartnerd()(ResolveTaskd("ct-mri")(data))


@pytest.mark.parametrize("padding", [None, -1024, -2000, -3024, -32768, 3071])
@pytest.mark.parametrize("noise", [0, 8])
@pytest.mark.filterwarnings("ignore::mactfusion.errors.FusionWarning")
def test_padding_changes_nothing_of_hounsfield_units(make_volume, padding, noise):
    hounsfield, brain, circle = cylinder(noise)
    stored = hounsfield if padding is None else np.where(circle, hounsfield, padding)
    data = as_partner(make_volume, stored)
    assert data["level_width"].tolist() == [50, 120]
    assert data["partner"].meta["units"] == "HU"
    shown = data["partner"].numpy()[0]
    assert np.allclose(shown[brain], np.clip((hounsfield[brain] + 10) / 120, 0, 1), atol=1e-5)
    assert shown[~circle].max() == 0


@pytest.mark.parametrize("meta", [{}, {"modality": "CT"}, {"modality": "CT", "units": "HU"}])
@pytest.mark.parametrize("padding", [None, -1000, -2000, -32768])
@pytest.mark.parametrize(("slope", "offset"), [(1, 1024), (1, 1000), (1, 32768), (0.001, 0)])
def test_values_that_are_no_hounsfield_units_are_said_and_the_brain_is_not_white(
    make_volume, slope, offset, padding, meta
):
    hounsfield, brain, circle = cylinder(8)
    stored = hounsfield * slope + offset
    if padding is not None:
        stored = np.where(circle, stored, padding)
    with pytest.warns(FusionWarning, match="no Hounsfield units"):
        data = as_partner(make_volume, stored, **meta)
    assert data["partner"].meta["units"] == ""
    assert units_of(data["partner"]) == ""
    assert data["level_width"].tolist() != [50, 120]
    shown = data["partner"].numpy()[0]
    assert shown[brain].max() < 0.95
    assert shown[~circle].max() < 0.05


@pytest.mark.parametrize(
    ("values", "units"),
    [
        ((0, 100), ""),  # perfusion
        ((0, 8), "MGML"),  # iodine
        ((0, 8), "HU"),
        ((5, 60), ""),
        ((-4000, 4000), ""),
    ],
)
def test_maps_are_no_hounsfield_units_though_the_tag_says_ct(make_volume, values, units):
    maps = make_volume(torch.linspace(*values, 4096).reshape(1, 16, 16, 16), units=units)
    maps.meta["modality"] = "CT"
    is_hounsfield, reason = judge_hounsfield(maps)
    assert not is_hounsfield
    assert reason


@pytest.mark.parametrize("meta", [{"modality": "CT"}, {"units": "HU"}])
def test_a_part_without_air_is_believed_where_it_is_recorded(make_volume, meta):
    hounsfield, _, _ = cylinder(8)
    fat = 60.0 * (np.arange(24) < 8)[:, None, None]
    part = make_volume(hounsfield[None, 12:36, 12:36] - fat, **meta)
    assert float(part.min()) > -200
    assert judge_hounsfield(part)[0]
    assert not judge_hounsfield(make_volume(part))[0]


def test_padding_is_not_found_where_there_is_none(head, make_volume):
    z_scores = (head["mr"].as_tensor() - 300) / 200
    skull_stripped = head["mr"].as_tensor().where(head["mr"].as_tensor() > 400, torch.tensor(0.0))
    inverted = 1000 - head["mr"].as_tensor().clamp(min=25)
    for voxels in (
        head["mr"],
        head["pet"],
        torch.from_numpy(cylinder()[0])[None],
        z_scores.where(head["mr"].as_tensor() > 50, torch.tensor(-9.0)),
        skull_stripped,
        inverted,
        torch.linspace(-4096, 4095, 1000).reshape(1, 10, 10, 10),
    ):
        assert find_padding(voxels) is None


def test_padding_of_an_mr_counts_in_no_window(make_volume):
    rng = np.random.default_rng(0)
    mr = rng.normal(60, 10, (1, 24, 24, 8)).astype(np.float32)
    mr[:, 6:18, 6:18] += 500
    padded = mr.copy()
    padded[:, :3] = -32768
    pair = {"partners": [{"partner": make_volume(mr)}]}
    plain = ScaleAnatomicald()({**pair, "anatomical": make_volume(mr)})
    with pytest.warns(FusionWarning, match="-32768 in 12.5 %"):
        data = LeaveOutPaddingd()({**pair, "anatomical": make_volume(padded)})
    assert float(data["anatomical"].min()) == mr[:, 3:].min()
    assert float(data["anatomical"].meta["padding"]) == mr[:, 3:].min()
    found, expected = (
        case["anatomical_level_width"].numpy() for case in (ScaleAnatomicald()(data), plain)
    )
    assert np.allclose(found, expected, rtol=0.02)


def test_padding_that_tags_named_is_left_out(make_volume):
    values = torch.tensor([3.0, 3, 3, 3, 3, 4, 5, 90, 100]).reshape(1, 3, 3, 1)
    volume = make_volume(values, padding="3")
    assert measured(volume).tolist() == [4, 5, 90, 100]
    assert measured(volume, values > 4.5).tolist() == [5, 90, 100]
    background = make_volume(values.where(values > 50, torch.tensor(3.0)), padding="3")
    assert measured(background).numel() == 9, "the value of real background counts"


def as_anatomical(make_volume, ct, affine, window="auto", **meta):
    pet = make_volume(np.abs(ct[None]), affine, modality="PT")
    data = {"anatomical": make_volume(ct[None], affine, **meta), "partner": pet}
    return ScaleAnatomicald(window)(ResolveTaskd()(data))


def test_window_of_a_ct_that_pet_lies_on(make_volume):
    hounsfield, _, _ = cylinder(8)
    head = np.diag([4.0, 4.0, 6.0, 1.0])
    data = as_anatomical(make_volume, hounsfield, head)
    assert data["anatomical_level_width"].tolist() == [50, 120]
    assert data["units"] == "HU"
    for name, affine in {
        "long": np.diag([4.0, 4.0, 45.0, 1.0]),
        "small": np.diag([0.5, 0.5, 6.0, 1.0]),
    }.items():
        data = as_anatomical(make_volume, hounsfield, affine)
        assert data["anatomical_level_width"].tolist() == [50, 400], name
    data = as_anatomical(make_volume, np.where(hounsfield > 300, 100, hounsfield), head)
    assert data["anatomical_level_width"].tolist() == [50, 400], "no bone around it"
    data = as_anatomical(make_volume, hounsfield, head, "lung")
    assert data["anatomical_level_width"].tolist() == [-600, 1500]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_head_is_one_however_it_is_stored(make_volume, order):
    hounsfield, _, _ = cylinder(8)
    affine = np.diag([4.0, 4.0, 6.0, 1.0])[:, [*order, 3]]
    assert shows_a_head(make_volume(hounsfield.transpose(order)[None], affine))


def test_presets_on_a_ct_without_hounsfield_units_are_warned_of(make_volume):
    hounsfield, _, _ = cylinder(8)
    with pytest.warns(FusionWarning, match=r"no Hounsfield units.*presets do not fit"):
        data = as_anatomical(make_volume, hounsfield + 1024, np.eye(4), "lung", modality="CT")
    assert data["anatomical_level_width"].tolist() == [-600, 1500]
    mr = {"anatomical": make_volume(np.abs(hounsfield[None]), modality="MR")}
    with pytest.raises(InputError, match="preset for CT"):
        ScaleAnatomicald("lung")(mr)
