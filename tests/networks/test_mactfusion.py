"""What holds for MACTFusion beyond what holds for every network of the registry."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.networks.mactfusion import MACTFusion


def fuse(network, image):
    with torch.no_grad():
        return network(image)


def random_pairs(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def test_evaluation_equals_the_pass_that_trains(network):
    image = random_pairs(1, 2, 65, 90)  # more groups than inference takes at a time
    fused = fuse(network, image)
    assert (fused - network(image).detach()).abs().max() < 1e-4 * fused.abs().max()


@pytest.mark.parametrize(("size", "mode"), [((41, 30), "reflect"), ((5, 16), "edge")])
def test_odd_sizes_are_padded_at_the_end_and_cropped(network, size, mode):
    image = random_pairs(1, 2, *size).numpy()
    padding = [(0, 0), (0, 0), *((0, -edge % 8) for edge in size)]
    padded = fuse(network, torch.from_numpy(np.pad(image, padding, mode=mode)))
    fused = fuse(network, torch.from_numpy(image))
    torch.testing.assert_close(fused, padded[..., : size[0], : size[1]], rtol=0, atol=1e-5)


def test_the_two_channels_are_not_interchangeable(network):
    image = random_pairs(1, 2, 16, 24)
    assert (fuse(network, image) - fuse(network, image.flip(1))).abs().max() > 0.1


def test_index_tables_are_not_in_the_state_dict():
    network = MACTFusion()
    state = network.state_dict()
    assert not [name for name in state if "index" in name]
    floating = sum(t.numel() for t in state.values() if t.is_floating_point())
    buffers = sum(
        b.numel() for n, b in network.named_buffers() if "running" in n and b.is_floating_point()
    )
    assert floating == 571035 + buffers
