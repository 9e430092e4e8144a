"""The voxels are what they were before one configuration served one partner and several."""

from __future__ import annotations

from pathlib import Path

import former_cases
import numpy as np
import pytest
import torch

from mactfusion.networks.registry import MODELS
from mactfusion.transforms import footprint

FORMER = np.load(Path(__file__).with_name("former.npz"))
FORMER_COLORS = {"colors": "ycbcr"}
FLOAT_NOISE = 2e-5
"""Convolutions are not computed alike on every processor."""
ROUNDING = 1e-6
"""Nor are powers, whose last bits differ."""


@pytest.fixture(autouse=True)
def _picked_not_averaged(monkeypatch):
    """The former library interpolated a partner that is finer than the grid as any other."""
    monkeypatch.setattr(footprint, "partner_steps", lambda index_map: torch.ones(3))


@pytest.mark.parametrize("name", former_cases.CASES)
def test_every_step_around_the_network_gives_the_same_voxels(name, monkeypatch, tmp_path):
    monkeypatch.setitem(MODELS, "mactfusion_plus", MODELS["mactfusion_plus"])
    network = former_cases.stand_in(MODELS, tmp_path)
    result = former_cases.fuse(name, **network, **FORMER_COLORS)
    key = f"{former_cases.STAND_IN}: {name}"
    assert FORMER[key].std() > 0.02
    assert np.abs(result.fused.numpy() - FORMER[key]).max() < ROUNDING
    assert np.array_equal(result.fused.affine.numpy(), FORMER[f"{key}, affine"])


@pytest.mark.parametrize("name", former_cases.OF_EACH_NETWORK)
@pytest.mark.parametrize(
    "model", ["mactfusion", "mactfusion_plus", "cminet", "msgfusion", "dilran"]
)
def test_every_network_gives_the_same_voxels(model, name):
    former = FORMER[f"{model}: {name}"]
    assert former.std() > 0.02
    result = former_cases.fuse(name, model=model, **FORMER_COLORS)
    assert np.abs(result.fused.numpy() - former).max() < FLOAT_NOISE
