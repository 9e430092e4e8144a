"""MsgFusion's V′ is the published one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.networks.brightness_map import brightness_map


def expected_brightness(rgb, of_ct):
    """V′ of 8-bit integers (H, W, 3), stretched."""
    total = rgb.astype(int).sum(axis=2)
    taken = np.minimum(total, 255) if of_ct else rgb.max(axis=2)
    values = np.clip(total - taken, 0, 255).astype(np.float32)
    return (values - values.min()) / (values.max() - values.min())


def stretched(rgb, of_ct):
    values = brightness_map(torch.from_numpy(rgb).float().movedim(-1, 0)[None], of_ct, 255)
    return ((values - values.min()) / (values.max() - values.min()))[0, 0].numpy()


@pytest.mark.parametrize("of_ct", [False, True])
def test_brightness(of_ct):
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert np.array_equal(stretched(rgb, of_ct), expected_brightness(rgb, of_ct))


@pytest.mark.parametrize("modality", ["pet", "mr"])
@pytest.mark.parametrize(("name", "of_ct"), [("functional", False), ("ct_variant", True)])
def test_brightness_is_exactly_the_published_one(reference, modality, name, of_ct):
    with np.load(reference / "specs" / "golden" / "msgfusion_vprime_96x96.npz") as file:
        rgb, expected = file[f"{modality}_rgb_u8"], file[f"{modality}_vprime_{name}"]
    assert np.array_equal(stretched(rgb, of_ct), expected)
