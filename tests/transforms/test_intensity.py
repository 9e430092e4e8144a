from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.errors import FusionWarning, InputError
from mactfusion.transforms.intensity import (
    ScaleAnatomicald,
    ScalePartnerd,
    apply_window,
    robust_window_mr,
    robust_window_uptake,
)
from mactfusion.transforms.windows import WINDOWS, parse_window


def scaled_pair(data, anatomical_window="auto", window="auto"):
    """Both steps, as the recipe does them for one partner."""
    return ScalePartnerd(window)(ScaleAnatomicald(anatomical_window)(data))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("auto", "auto"),
        ("Auto ", "auto"),
        ("brain", (40, 80)),
        ("soft-tissue", (50, 400)),
        ("lung", (-600, 1500)),
        ("40,80", (40, 80)),
        (" -600 , 1.5e3", (-600, 1500)),
        ((40, 80), (40, 80)),
        ([0.5, 1], (0.5, 1)),
    ],
)
def test_parse_window(window, expected):
    assert parse_window(window) == expected


@pytest.mark.parametrize(
    "window",
    ["", "skull", "40", "40,80,3", "a,b", "40,0", "40,-1", "nan,3", "1,inf", (1,), ("a", 2)],
)
def test_parse_window_refuses(window):
    with pytest.raises(InputError, match="window"):
        parse_window(window)
    with pytest.raises(InputError, match="window"):
        ScalePartnerd(window)
    with pytest.raises(InputError, match="window"):
        ScaleAnatomicald(window)


def test_apply_window(make_volume):
    volume = make_volume([-1000.0, -10, 20, 50, 110, 3000]).reshape(1, 6, 1, 1)
    scaled = apply_window(volume, *WINDOWS["auto"])
    assert scaled.flatten().tolist() == pytest.approx([0, 0, 0.25, 0.5, 1, 1])
    assert float(volume.max()) == 3000


def test_mr_air_near_0_and_white_matter_below_1(head):
    level, width = robust_window_mr(head["mr"])
    scaled = apply_window(head["mr"], level, width).as_tensor()
    air, brain = head["mr"].as_tensor() < 60, head["mr"].as_tensor() > 400
    assert scaled[air].mean() < 0.02
    assert 0.9 < scaled[brain].median() < 1


@pytest.mark.parametrize("name", ["avg152T1.nii", "avg152T2.nii.gz", "single_subj_T1.nii.gz"])
def test_mr_templates(reference, load, name):
    folder = reference / "data" / "mni_templates"
    volume, brain = load(folder / name), load(folder / "brainmask.nii.gz").as_tensor() > 0.9
    scaled = apply_window(volume, *robust_window_mr(volume)).as_tensor()
    assert scaled[:, :3, :3, -3:].max() < 0.05
    assert (scaled[brain] == 1).float().mean() < 0.03
    assert scaled[brain].quantile(0.9) > 0.5


def test_one_outlier_is_harmless(head, make_volume):
    outlier = head["mr"].as_tensor().clone()
    outlier[0, 3, 3, 3] = 3.4e38
    level, width = robust_window_mr(make_volume(outlier))
    expected_level, expected_width = robust_window_mr(head["mr"])
    assert level == pytest.approx(expected_level, rel=0.02)
    assert width == pytest.approx(expected_width, rel=0.02)
    assert torch.isfinite(apply_window(make_volume(outlier), level, width).as_tensor()).all()


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9995])
def test_binary_masks_keep_their_values(make_volume, share):
    mask = (np.random.default_rng(6).random((1, 20, 20, 20)) < share).astype(np.float32)
    scaled = apply_window(make_volume(mask), *robust_window_mr(torch.as_tensor(mask)))
    assert np.array_equal(scaled.numpy(), mask)


@pytest.mark.parametrize("constant", [0.0, 7.0, -3.0])
@pytest.mark.parametrize("robust_window", [robust_window_mr, robust_window_uptake])
def test_constant_volumes_stay_blank(make_volume, constant, robust_window):
    volume = make_volume(torch.full((1, 4, 4, 4), constant))
    scaled = apply_window(volume, *robust_window(volume))
    assert scaled.min() == scaled.max()
    assert torch.isfinite(scaled.as_tensor()).all()


def test_large_volumes_are_sampled_alike_each_time():
    rows = torch.arange(256.0).repeat(256, 130, 1)
    first, second = robust_window_mr(rows), robust_window_mr(rows)
    assert first == second
    level, width = first
    assert level - width / 2 == pytest.approx(2, abs=1)
    assert level + width / 2 == pytest.approx(255, abs=1)


def uptake_background() -> torch.Tensor:
    """40 000 voxels of healthy uptake up to 100 in as many voxels of nothing, with some noise."""
    values = torch.linspace(0, 100, 40_000).reshape(1, 40, 50, 20)
    return torch.cat([values, -values / 50], dim=3)


def test_uptake_goes_from_0_to_the_robust_maximum(make_volume):
    volume = make_volume(uptake_background())
    level, width = robust_window_uptake(volume)
    assert level - width / 2 == 0
    assert width == pytest.approx(100, rel=1e-3)
    assert apply_window(volume, level, width)[volume < 0].max() == 0


def with_lesion(edge: int, factor: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The background with a hot cube, and where that is."""
    voxels = uptake_background()
    lesion = torch.zeros_like(voxels, dtype=torch.bool)
    lesion[0, 5 : 5 + edge, 5 : 5 + edge, 5 : 5 + edge] = True
    return voxels.where(~lesion, torch.tensor(100.0 * factor)), lesion


@pytest.mark.parametrize("factor", [1.3, 2, 6])
@pytest.mark.parametrize("edge", [3, 4, 7])
def test_a_small_hot_lesion_stays_the_hottest(make_volume, factor, edge):
    voxels, lesion = with_lesion(edge, factor)
    scaled = apply_window(make_volume(voxels), *robust_window_uptake(voxels)).as_tensor()
    assert scaled[lesion].min() > scaled[~lesion].max() + 0.2


def test_a_small_very_hot_spot_does_not_darken_the_rest():
    voxels, _ = with_lesion(3, 50)
    assert robust_window_uptake(voxels)[1] == pytest.approx(200, rel=1e-2)


@pytest.mark.parametrize("broken", [1, 8])
def test_broken_voxels_do_not_darken_uptake(broken):
    voxels = uptake_background()
    voxels.view(-1)[:broken] = 3.4e38
    assert robust_window_uptake(voxels)[1] == pytest.approx(100, rel=1e-3)


def picture(make_volume, channels: int = 1):
    pixels = torch.full((channels, 8, 8, 1), 51.0 if channels == 1 else 0.2)
    pixels[0, 0, 0, 0] = 102 if channels == 1 else 0.4
    return make_volume(pixels, is_image=True, source_dtype="uint8")


def test_8_bit_pictures_are_never_stretched(make_volume):
    data = {"anatomical": picture(make_volume), "partner": picture(make_volume), "task": "ct-mri"}
    scaled = scaled_pair(data)
    for key in ("anatomical", "partner"):
        assert float(scaled[key][0, 1, 1, 0]) == pytest.approx(0.2)
        assert float(scaled[key].max()) == pytest.approx(0.4)
    assert scaled["level_width"].tolist() == [127.5, 255]
    assert float(data["partner"].max()) == 102


def test_8_bit_volumes_are(head, make_volume):
    dim = make_volume(head["mr"].as_tensor().div(20).round(), source_dtype="uint8")
    scaled = scaled_pair({"anatomical": dim, "partner": dim, "task": "mr-mr"})
    assert float(scaled["anatomical"].max()) == 1


@pytest.mark.parametrize(
    ("task", "partner", "expected"),
    [("ct-mri", "ct", (50, 120)), ("pet-mri", "pet", None), ("mr-mr", "mr", None)],
)
def test_the_task_decides(head, task, partner, expected):
    data = {"anatomical": head["mr"], "partner": head[partner], "task": task}
    scaled = scaled_pair(data)
    for key in ("level_width", "anatomical_level_width"):
        assert scaled[key].dtype == torch.float32
        assert scaled[key].shape == (2,)
    if expected is None:
        robust = {"pet-mri": robust_window_uptake, "mr-mr": robust_window_mr}[task]
        expected = robust(head[partner])
    assert tuple(scaled["level_width"].tolist()) == pytest.approx(expected)
    for key in ("anatomical", "partner"):
        assert scaled[key].dtype == torch.float32
        assert scaled[key].min() == 0
        assert scaled[key].max() == 1


def test_training_like_ct(head):
    scaled = scaled_pair({"anatomical": head["mr"], "partner": head["ct"], "task": "ct-mri"})
    hounsfield = head["ct"].as_tensor()
    brain, bone = (hounsfield > 0) & (hounsfield < 100), hounsfield > 500
    assert scaled["partner"].as_tensor()[brain].mean() == pytest.approx(0.375, abs=0.02)
    assert (scaled["partner"].as_tensor()[bone] == 1).all()


def test_given_windows(head):
    data = {"anatomical": head["mr"], "partner": head["ct"], "task": "ct-mri"}
    scaled = scaled_pair(data, anatomical_window=(400, 800), window="bone")
    assert scaled["level_width"].tolist() == [600, 2800]
    assert scaled["anatomical_level_width"].tolist() == [400, 800]
    assert torch.allclose(
        scaled["anatomical"].as_tensor(), (head["mr"].as_tensor() / 800).clamp(0, 1)
    )


def test_presets_are_for_ct_alone(head):
    data = {"anatomical": head["mr"], "partner": head["pet"], "task": "pet-mri"}
    with pytest.raises(InputError, match="preset for CT"):
        scaled_pair(data, window="brain")
    with pytest.raises(InputError, match="preset for CT"):
        scaled_pair(data, anatomical_window="bone")


def test_ct_without_hounsfield_units_is_not_saturated(head, make_volume):
    shifted = make_volume(head["ct"].as_tensor() + 1024)
    scaled = scaled_pair({"anatomical": head["mr"], "partner": shifted, "task": "ct-mri"})
    brain = (head["ct"].as_tensor() > 0) & (head["ct"].as_tensor() < 100)
    assert 0.3 < scaled["partner"].as_tensor()[brain].mean() < 0.8


def test_colour_is_left_alone(head):
    data = {"anatomical": head["mr"], "partner": head["color"], "task": "pet-mri"}
    assert torch.equal(scaled_pair(data)["partner"], head["color"])
    with pytest.warns(FusionWarning, match="in colour"):
        noted = scaled_pair(data, window="100,200")
    assert "in colour" in noted["notes"]


def test_outside_the_field_of_view_is_nothing_and_does_not_count(head, make_volume):
    field_of_view = torch.zeros(1, 24, 28, 20)
    field_of_view[..., 5:15] = 1
    partner = head["mr"].as_tensor().where(field_of_view > 0, torch.tensor(9999.0))
    data = {
        "anatomical": head["mr"],
        "partner": make_volume(partner),
        "field_of_view": make_volume(field_of_view),
        "task": "mr-mr",
    }
    scaled = scaled_pair(data)
    assert (scaled["partner"].as_tensor()[field_of_view == 0] == 0).all()
    assert scaled["level_width"].sum() < 1200
