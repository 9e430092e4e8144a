"""The network takes any size and batch, keeps blank slices blank, trains and exports."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.networks import MACTFusion


def fuse(network, image):
    with torch.no_grad():
        return network(image)


def random_pairs(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "size",
    [
        *((8, 8), (8, 9), (9, 8), (13, 31), (24, 40), (41, 17), (3, 20), (1, 1)),
        *(pytest.param(size, marks=pytest.mark.slow) for size in ((8, 2048), (2048, 9))),
    ],
)
def test_any_size(network, size):
    image = random_pairs(2, 2, *size)
    fused = fuse(network, image)
    assert fused.shape == (2, 1, *size)
    assert fused.dtype == torch.float32
    assert torch.isfinite(fused).all()
    assert size == (1, 1) or fused.std() > 0.01


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


@pytest.mark.parametrize("count", [2, 5])
def test_batching_changes_nothing(network, count):
    images = random_pairs(count, 2, 24, 32) * torch.linspace(0.2, 1, count)[:, None, None, None]
    together = fuse(network, images)
    single = torch.cat([fuse(network, image[None]) for image in images])
    assert (together - single).abs().max() <= 1e-5 * single.abs().max()


def test_the_two_channels_are_not_interchangeable(network):
    image = random_pairs(1, 2, 16, 24)
    assert (fuse(network, image) - fuse(network, image.flip(1))).abs().max() > 0.1


@pytest.mark.parametrize(
    ("anatomical", "partner", "expected"), [(0, 0, 0), (0.3, 0.6, 0.6), (1, 0.2, 1)]
)
def test_a_blank_pair_gives_its_maximum(network, anatomical, partner, expected):
    image = torch.tensor([float(anatomical), partner])[None, :, None, None].expand(1, 2, 19, 24)
    assert torch.equal(fuse(network, image), torch.full((1, 1, 19, 24), float(expected)))


def test_blank_pairs_in_a_batch_leave_the_others_alone(network):
    images = random_pairs(3, 2, 16, 24)
    images[1, 0], images[1, 1] = 0.25, 0.75
    images[2, 1] = 0  # only one of the two is blank: that is no blank pair
    fused = fuse(network, images)
    assert torch.equal(fused[1], torch.full((1, 16, 24), 0.75))
    for index in (0, 2):
        alone = fuse(network, images[index][None])[0]
        assert alone.std() > 0.01
        torch.testing.assert_close(fused[index], alone, rtol=1e-5, atol=1e-5)


def test_index_tables_are_not_in_the_state_dict():
    network = MACTFusion()
    state = network.state_dict()
    assert not [name for name in state if "index" in name]
    floating = sum(t.numel() for t in state.values() if t.is_floating_point())
    buffers = sum(
        b.numel() for n, b in network.named_buffers() if "running" in n and b.is_floating_point()
    )
    assert floating == 571035 + buffers


def test_gradient_reaches_every_parameter(network):
    network.train()(random_pairs(2, 2, 16, 24)).square().mean().backward()
    unreached = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert unreached == []


def test_a_blank_pair_in_a_training_batch_keeps_gradients_finite():
    torch.manual_seed(0)
    network = MACTFusion().train()
    images = random_pairs(2, 2, 16, 16)
    images[1] = 0
    network(images).mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_half_precision_is_close(network):
    image = random_pairs(1, 2, 32, 32)
    exact = fuse(network, image)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = fuse(network, image).float()
    assert (rough - exact).abs().mean() < 0.05 * exact.abs().mean()


@pytest.mark.slow
def test_export_with_dynamic_batch_height_and_width(network):
    rows, columns = (torch.export.Dim(name, min=2, max=256) for name in ("rows", "columns"))
    batch = torch.export.Dim("batch", min=1, max=64)
    with torch.no_grad():
        program = torch.export.export(
            network,
            (random_pairs(2, 2, 40, 48),),
            dynamic_shapes=({0: batch, 2: 8 * rows, 3: 8 * columns},),
        )
    exported = program.module()
    for shape in ((2, 2, 40, 48), (1, 2, 24, 80), (3, 2, 64, 16)):
        image = random_pairs(*shape)
        image[-1, :, :, :] *= 0.5
        expected = fuse(network, image)
        error = (fuse(exported, image) - expected).abs().max()
        assert error <= 1e-5 * expected.abs().max()
    blank = torch.full((1, 2, 16, 24), 0.5)
    assert torch.equal(fuse(exported, blank), blank[:, :1])
