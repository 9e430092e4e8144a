from __future__ import annotations

import pytest
import torch
from monai.transforms import ConcatItemsd

from mactfusion.errors import InputError
from mactfusion.transforms.color import (
    BACKGROUND,
    NEUTRAL,
    MergeChrominanced,
    SplitLuminanced,
    merge_chrominance,
    rgb_to_ycbcr,
)
from mactfusion.transforms.color_names import COLORS
from mactfusion.transforms.colormap import apply_color_table, color_table

WEIGHTS = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)


def luminance_of(rgb: torch.Tensor) -> torch.Tensor:
    return torch.einsum("c,c...->...", WEIGHTS, rgb.double())


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((0, 0, 0), (0, 0.5, 0.5)),
        ((1, 1, 1), (1, 0.5, 0.5)),
        ((1, 0, 0), (0.299, 0.5 - 0.299 / 1.772, 1)),
        ((0, 0, 1), (0.114, 1, 0.5 - 0.114 / 1.402)),
        ((0, 1, 0), (0.587, 0.5 - 0.587 / 1.772, 0.5 - 0.587 / 1.402)),
    ],
)
def test_corners_of_bt601(rgb, ycbcr):
    converted = rgb_to_ycbcr(torch.tensor(rgb, dtype=torch.float32).reshape(3, 1, 1, 1))
    assert torch.allclose(converted.flatten(), torch.tensor(ycbcr, dtype=torch.float32), atol=1e-6)


def test_colours_in_the_gamut_are_kept():
    rgb = random(3, 20, 20, 20)
    y, cb, cr = rgb_to_ycbcr(rgb).split(1)
    assert torch.allclose(merge_chrominance(y, cb, cr), rgb, atol=1e-5)


def test_other_colours_lose_saturation_but_no_luminance():
    y, cb, cr = (random(1, 40, 40, 40, seed=seed) for seed in range(3))
    y[0, 0], y[0, 1] = 0, 1
    merged = merge_chrominance(y, cb, cr)
    assert merged.min() >= 0
    assert merged.max() <= 1
    assert (luminance_of(merged) - y[0].double()).abs().max() < 1e-6
    # Chrominance keeps its direction, so the hue stays, and never grows.
    _, merged_cb, merged_cr = rgb_to_ycbcr(merged)
    cross = (merged_cb - 0.5) * (cr[0] - 0.5) - (merged_cr - 0.5) * (cb[0] - 0.5)
    assert cross.abs().max() < 1e-6
    assert ((merged_cb - 0.5).abs() <= (cb[0] - 0.5).abs() + 1e-6).all()
    # No more than needed is taken away: either all is kept or a channel touches its bound.
    kept = (merged_cb - cb[0]).abs() < 1e-6
    touches = (merged.amin(0) < 1e-6) | (merged.amax(0) > 1 - 1e-6)
    assert (kept | touches).all()
    assert 0.05 < kept.float().mean() < 0.95


@pytest.mark.parametrize(
    ("name", "task", "is_color"),
    [
        ("mr", "mr-mr", False),
        ("ct", "ct-mri", False),
        ("pet", "pet-mri", True),
        ("pet", "spect-mri", True),
        ("color", "pet-mri", True),
        ("color", "gfp-pc", True),
    ],
)
def test_split(head, make_volume, name, task, is_color):
    partner = make_volume(head[name].as_tensor().div(4000).clamp(0, 1), head[name].affine)
    given = {"partner": partner, "task": task}
    data = SplitLuminanced(colors="ycbcr")(given)
    assert data["is_color"] is is_color
    assert data["luminance"].shape == (1, *partner.shape[1:])
    assert torch.equal(data["luminance"].affine, partner.affine)
    assert ("chrominance" in data) == is_color
    if not is_color:
        assert torch.equal(data["luminance"], partner)
        return
    assert data["chrominance"].shape == (2, *partner.shape[1:])
    if name == "color":
        rgb = partner.as_tensor()
    else:
        rgb = apply_color_table(partner, color_table("hot_iron"))
    merged = merge_chrominance(data["luminance"], *data["chrominance"].split(1))
    assert torch.allclose(merged, rgb, atol=1e-5)
    assert set(given) == {"partner", "task"}


@pytest.mark.parametrize("colors", COLORS)
def test_outside_the_field_of_view_has_no_colour(colors, head, make_volume):
    """Also with a table whose first entry is not black."""
    inside = torch.zeros(1, 24, 28, 20)
    inside[..., 4:] = 1
    partner = make_volume(head["pet"].as_tensor() / 4000 * inside)
    data = {"partner": partner, "task": "pet-mri", "field_of_view": make_volume(inside)}
    split = SplitLuminanced("viridis", colors)(data)
    assert split["luminance"].as_tensor()[..., :4].max() == 0
    assert (split["chrominance"].as_tensor()[..., :4] == NEUTRAL[colors]).all()
    uptake = partner.as_tensor() > 0
    assert uptake.float().mean() > 0.1
    assert split["luminance"].as_tensor()[uptake].min() > (0.1 if colors == "ycbcr" else 0)
    assert split["luminance"].as_tensor()[~uptake].max() == 0


def test_unknown_colour_table_is_refused_at_once():
    with pytest.raises(InputError, match="Unknown colour table"):
        SplitLuminanced("iron_hot_metal")


@pytest.fixture
def split(head, make_volume):
    partner = make_volume(head["color"], head["mr"].affine)
    anatomical = make_volume((head["mr"].as_tensor() / 800 - 0.1).clamp(0, 1), head["mr"].affine)
    data = SplitLuminanced(colors="ycbcr")(
        {"anatomical": anatomical, "partner": partner, "task": "pet-mri"}
    )
    return ConcatItemsd(["anatomical", "luminance"], name="image")(data)


def test_merge_brings_the_luminance_of_the_network(split):
    split["pred"] = random(1, 24, 28, 20) * 1.6 - 0.3
    merged = MergeChrominanced(colors="ycbcr")(split)["pred"]
    brighter = split["image"].as_tensor().amax(dim=0, keepdim=True)
    blank = brighter == 0
    assert 0 < blank.float().mean() < 1
    assert merged.shape == (3, 24, 28, 20)
    assert torch.equal(merged.affine, split["anatomical"].affine)
    assert (merged.as_tensor()[:, blank[0]] == 0).all()
    expected = split["pred"].clamp(0, 1) * (brighter / BACKGROUND).clamp(max=1)
    assert (luminance_of(merged.as_tensor()) - expected[0]).abs().max() < 1e-6
    seen = brighter >= BACKGROUND
    assert torch.equal(expected[seen], split["pred"].clamp(0, 1)[seen])


def test_noise_in_air_does_not_become_haze(split):
    noise = 0.004 * random(2, 24, 28, 20)
    split["image"] = split["image"] * 0 + noise
    split["pred"] = torch.full((1, 24, 28, 20), 0.5)
    merged = MergeChrominanced(luminance_only=True)(split)["pred"]
    assert merged.max() <= 0.5 * 0.004 / BACKGROUND + 1e-6


def test_the_partners_own_luminance_gives_the_partner_back(split):
    split["pred"] = split["luminance"]
    merged = MergeChrominanced(colors="ycbcr")(split)["pred"]
    assert torch.allclose(merged.as_tensor(), split["partner"].as_tensor(), atol=1e-5)


@pytest.mark.parametrize("is_color", [True, False])
def test_luminance_alone(split, is_color):
    split["is_color"] = is_color
    split["pred"] = random(1, 24, 28, 20)
    merged = MergeChrominanced(luminance_only=is_color)(split)["pred"]
    fade = (split["image"].as_tensor().amax(dim=0, keepdim=True) / BACKGROUND).clamp(max=1)
    assert torch.equal(merged.as_tensor(), split["pred"] * fade)
