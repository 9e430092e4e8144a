"""OKLab, against values published with it."""

from __future__ import annotations

import pytest
import torch

from mactfusion.transforms.oklab import oklab_to_srgb, srgb_to_oklab

KNOWN = {
    (1.0, 1.0, 1.0): (1.0, 0.0, 0.0),
    (1.0, 0.0, 0.0): (0.62796, 0.22486, 0.12585),
    (0.0, 1.0, 0.0): (0.86644, -0.23389, 0.17950),
    (0.0, 0.0, 1.0): (0.45201, -0.03246, -0.31153),
    (0.0, 0.0, 0.0): (0.0, 0.0, 0.0),
}
"""Colour to its OKLab, as CSS Color 4 gives it."""


@pytest.mark.parametrize(("rgb", "lab"), KNOWN.items())
def test_known_colours(rgb, lab):
    assert srgb_to_oklab(torch.tensor(rgb)).tolist() == pytest.approx(lab, abs=5e-5)


def test_there_and_back():
    levels = torch.linspace(0, 1, 17)
    rgb = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij"))
    assert torch.allclose(oklab_to_srgb(srgb_to_oklab(rgb)), rgb, atol=2e-4)


def test_what_srgb_does_not_have_is_clipped():
    rgb = oklab_to_srgb(torch.tensor([0.9, 0.3, 0.0]))
    assert ((rgb >= 0) & (rgb <= 1)).all()
