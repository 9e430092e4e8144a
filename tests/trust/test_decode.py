"""Uptake read back from colours, and what is said where that cannot be."""

from __future__ import annotations

import pytest
import torch

from mactfusion.transforms.color import (
    merge_chrominance,
    merge_colors,
    rgb_to_ycbcr,
    shown_table,
    split_table,
)
from mactfusion.transforms.colormap import apply_color_table, color_table, stops_of
from mactfusion.trust.decode import decode, decoded


def partner(colormap="hot_iron", role="partner"):
    stops = [] if colormap == "as given" else stops_of(shown_table(colormap, "legible"))
    return {"input": role, "colormap": colormap, "colors": stops}


def as_merged(level, luminance, colormap="hot_iron"):
    """Colour of a voxel in 8 bits, as the papers' colours have it."""
    color = apply_color_table(torch.tensor([[level]]), color_table(colormap))
    chrominance = rgb_to_ycbcr(color)[1:]
    rgb = merge_chrominance(torch.tensor([[luminance]]), *chrominance.split(1))
    return (255 * rgb[:, 0]).round().div(255).tolist()


@pytest.mark.parametrize("level", [0.1, 0.3, 0.45, 0.7])
@pytest.mark.parametrize("luminance", [0.25, 0.5])
def test_the_level_lies_between_the_lowest_and_the_highest_that_look_the_same(level, luminance):
    found, _ = decode(as_merged(level, luminance), [partner()], "ycbcr")
    assert found["partner"].low - 0.002 <= level <= found["partner"].high + 0.002


def test_a_level_is_read_well_where_saturation_is_left():
    found, sentence = decode(as_merged(0.3, 0.3), [partner()], "ycbcr")
    assert found["partner"].level == pytest.approx(0.3, abs=0.02)
    assert sentence == ""


def test_white_says_that_it_says_little():
    found, sentence = decode([1.0, 1.0, 1.0], [partner()], "ycbcr")
    assert not found["partner"].is_clear
    assert "% of the window look the same here" in sentence


def test_a_colour_of_another_table_is_none_of_it():
    assert decode(as_merged(0.5, 0.4, "cool_iron"), [partner()], "ycbcr") == (
        {},
        "The colour is none of the table's.",
    )


@pytest.mark.parametrize("luminance", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("colormap", ["hot_metal", "cool_metal", "green_metal"])
def test_legible_colours_are_read_whatever_the_brightness(luminance, colormap):
    chroma = apply_color_table(torch.tensor([[0.6]]), split_table(colormap, "legible"))[1:]
    color = merge_colors(torch.full((1, 1, 1, 1), luminance), chroma[..., None, None], "legible")
    shown = (255 * color.flatten()).round().div(255).tolist()
    given = partner("as given")
    given["colors"] = stops_of(shown_table(colormap, "legible"))
    found, sentence = decode(shown, [partner(colormap)], "legible")
    assert found["partner"].level == pytest.approx(0.6, abs=0.01)
    assert found["partner"].low <= 0.6 <= found["partner"].high
    assert sentence == ""
    assert decode(shown, [given], "legible")[0] == {}


@pytest.mark.parametrize("colormap", ["hot", "jet", "hot_iron", "hsv", "pet"])
def test_tables_of_strong_colours_are_read_right_or_not_at_all(colormap):
    table = split_table(colormap, "legible")
    for luminance in (0.2, 0.5, 0.8):
        for level in torch.linspace(0.06, 1, 17).tolist():
            chroma = apply_color_table(torch.tensor([[level]]), table)[1:]
            luminances = torch.full((1, 1, 1, 1), luminance)
            color = merge_colors(luminances, chroma[..., None, None], "legible").flatten()
            shown = (255 * color).round().div(255).tolist()
            found, _ = decode(shown, [partner(colormap)], "legible")
            assert found["partner"].low - 0.02 <= level <= found["partner"].high + 0.02


def test_what_cannot_be_read_is_said():
    several = [partner(role="partner 1"), partner("cool_iron", "partner 2")]
    assert decode([0.5, 0.2, 0.1], several, "ycbcr")[0] == {}
    assert "mixed" in decode([0.5, 0.2, 0.1], several, "ycbcr")[1]
    own = {"input": "partner", "colormap": "its own", "colors": []}
    assert "its own colours" in decode([0.5, 0.2, 0.1], [own], "ycbcr")[1]
    assert decode([0.5, 0.5, 0.5], [partner("grey")], "ycbcr") == ({}, "")


def test_a_table_in_any_space_of_colours():
    table = torch.tensor([[0.0], [1.0], [2.0], [1.0], [0.0]])
    assert decoded(torch.tensor([2.0]), table, 0.1) == (0.5, 0.5, 0.5)
    assert decoded(torch.tensor([1.05]), table, 0.1) == (0.25, 0.25, 0.75)
    assert decoded(torch.tensor([3.0]), table, 0.1) is None
