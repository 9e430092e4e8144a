"""Pictures as a person sees them."""

from __future__ import annotations

import pytest
import torch

from mactfusion.trust.seen import seen, seen_levels


def test_black_and_white_and_the_way_between():
    greys = torch.linspace(0, 1, 256)[None]
    lightness = seen(greys)
    assert lightness.shape == (1, 256)
    assert float(lightness[0, 0]) == pytest.approx(0, abs=1e-5)
    assert float(lightness[0, -1]) == pytest.approx(1, abs=1e-5)
    steps = lightness.diff() * 255
    assert steps.min() > 0.5
    assert steps.max() < 1.2, "next to black it is no steeper than elsewhere"


def test_grey_in_colour_is_the_same_grey():
    greys = torch.linspace(0, 1, 256)[None]
    colors = seen(greys.expand(3, -1))
    assert torch.allclose(colors[:1], seen(greys), atol=1e-4)
    assert colors[1:].abs().max() < 1e-3


def test_colour_is_seen():
    red, green = seen(torch.tensor([[[1.0], [0.0], [0.0]], [[0.0], [0.6], [0.0]]]).movedim(0, 1))[
        :, :, 0
    ].T
    assert torch.dist(red, green) > 0.3


def test_8_bits_are_enough():
    levels = torch.randint(0, 256, (3, 4, 5), generator=torch.Generator().manual_seed(0)).byte()
    assert torch.equal(seen_levels(levels), seen(levels / 255))
