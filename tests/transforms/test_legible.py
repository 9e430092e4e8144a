"""Colours that say uptake at any brightness."""

from __future__ import annotations

import pytest
import torch

from mactfusion.transforms.color import merge_as_given, rgb_to_ycbcr, split_table
from mactfusion.transforms.color_names import METALS
from mactfusion.transforms.colormap import color_table
from mactfusion.transforms.gamut import lightness_bounds
from mactfusion.transforms.legible import (
    LIGHTEST,
    luminance_of_legible,
    merge_legible,
    to_lightness,
    to_luminance,
)
from mactfusion.transforms.oklab import oklab_to_linear, srgb_to_oklab

LUMINANCES = torch.linspace(0, 1, 101)


def all_colors(name):
    """Each value of a table at each luminance: both ``(…, 101, 256)``."""
    chroma = split_table(name).T[1:, None, None].expand(2, 1, 101, -1)
    return LUMINANCES[None, None, :, None].expand(1, 1, 101, 256), chroma


def test_grey_is_as_light_as_the_luminance_says():
    assert to_lightness(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([0, LIGHTEST])
    assert (to_lightness(LUMINANCES).diff() > 0).all()
    assert torch.allclose(to_luminance(to_lightness(LUMINANCES)), LUMINANCES, atol=1e-4)
    luminance = LUMINANCES[None, None, None]
    grey = merge_legible(luminance, torch.zeros(2, 1, 1, 101))
    assert (grey - grey[:1]).abs().max() < 1e-4
    assert (grey[:, 0, 0, 0] == 0).all(), "background stays background"
    assert torch.allclose(luminance_of_legible(grey), luminance, atol=1e-3)


@pytest.mark.parametrize("name", [*METALS, "viridis"])
def test_hue_and_chroma_are_those_of_the_value_at_any_luminance(name):
    luminance, chroma = all_colors(name)
    rgb = merge_legible(luminance, chroma)
    assert 0 <= rgb.min() <= rgb.max() <= 1
    assert (srgb_to_oklab(rgb)[1:] - chroma).norm(dim=0).max() < 1e-4


@pytest.mark.parametrize("name", METALS)
def test_what_is_brighter_is_lighter_at_any_value(name):
    lightness = srgb_to_oklab(merge_legible(*all_colors(name)))[0, 0]
    assert (lightness.diff(dim=0) > -2e-3).all()
    assert (lightness[-1] - lightness[10]).min() > 0.1


def test_lightness_moves_only_near_the_border_of_the_gamut():
    luminance, chroma = all_colors("hot_metal")
    least, greatest = lightness_bounds(chroma)
    wanted = to_lightness(luminance[0])
    is_free = (wanted > least + 0.035) & (wanted < greatest - 0.035)
    assert is_free.float().mean() > 0.4
    moved = (srgb_to_oklab(merge_legible(luminance, chroma))[0] - wanted).abs()
    assert moved[is_free].max() < 2e-3


def test_bounds_are_those_of_srgb():
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand((3, 1, 50, 50), generator=generator)
    lab = srgb_to_oklab(rgb)
    least, greatest = lightness_bounds(lab[1:])
    assert (lab[0] > least - 0.02).float().mean() > 0.99
    assert (lab[0] < greatest + 0.02).float().mean() > 0.99
    for bound in (least, greatest):
        light = oklab_to_linear(torch.stack([bound, *lab[1:]]))
        assert torch.maximum(-light, light - 1).amax(dim=0).quantile(0.99) < 0.02


def test_a_table_changes_colours_alone():
    tables = [split_table(name)[:, 0] for name in (*METALS, "viridis", "hot_iron", "grey")]
    iron = rgb_to_ycbcr(color_table("hot_iron").T)[0]
    assert all((table - iron).abs().max() < 1e-6 for table in tables)


def test_metals_start_at_grey_and_go_in_equal_steps():
    for name in METALS:
        chroma = split_table(name)[:, 1:]
        assert chroma[0].norm() < 1e-3
        steps = chroma.diff(dim=0).norm(dim=1)
        assert steps[2:].max() < 1.5 * steps[2:].min()
        hue = torch.atan2(chroma[8:, 1], chroma[8:, 0])
        turns = torch.atan2(hue.diff().sin(), hue.diff().cos())
        assert (turns > -5e-3).all() or (turns < 5e-3).all()
    b = split_table("hot_metal")[:, 2]
    assert (b.diff() > 0).float().mean() > 0.99, "what red-green blindness leaves"


def test_a_table_that_begins_with_a_colour_begins_with_grey():
    chroma = split_table("viridis")[:, 1:].norm(dim=1)
    assert chroma[0] == 0
    assert chroma[1] < 0.02
    assert chroma[20] > 0.1


def test_a_partner_in_colour_is_shown_as_it_is():
    rgb = torch.rand((3, 2, 16, 16), generator=torch.Generator().manual_seed(0))
    shown = merge_as_given(rgb_to_ycbcr(rgb)[:1], srgb_to_oklab(rgb)[1:])
    assert torch.allclose(shown, rgb, atol=5e-4)
