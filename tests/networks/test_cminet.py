"""CMINet is what its description says, and it trains."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from mactfusion.errors import InputError
from mactfusion.losses import FusionLoss, MaximumSimilarityLoss, PixelLoss, TextureLoss
from mactfusion.networks.cminet import CMINet, interleave
from mactfusion.networks.recursive_transformer import RecursiveTransformer

GOLDEN = Path(__file__).with_name("cminet_synthetic_48x64.npz")
TOLERANCE = 1e-4
CROP = (slice(None), slice(None), slice(20, 28), slice(28, 36))


def synthetic_values(key, shape):
    """The recipe of the golden file: noise seeded by the key, scaled by its role."""
    z = np.random.default_rng(zlib.crc32(key.encode("ascii"))).standard_normal(shape)
    role = key.rpartition(".")[2]
    if role == "alpha" or (role == "weight" and len(shape) == 1):
        values = 1 + 0.1 * z
    elif role == "weight":
        values = z * np.sqrt(1 / np.prod(shape[1:]))
    elif role in ("beta", "gamma"):
        values = 0.3 * z
    else:
        assert role == "bias"
        values = 0.05 * z
    return torch.from_numpy(values.astype(np.float32))


def make(**options):
    """A network with synthetic weights, for evaluation; every parameter is in play."""
    network = CMINet(**options)
    state = network.state_dict()
    network.load_state_dict({key: synthetic_values(key, t.shape) for key, t in state.items()})
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return make()


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return {name: torch.from_numpy(values) for name, values in file.items()}


def fuse(network, image):
    with torch.no_grad():
        return network(image)


def random_pairs(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("recursions", [1, 2, 3, 4])
def test_output(golden, recursions):
    image = torch.cat([golden["input_a"], golden["input_b"]], dim=1)
    output = fuse(make(recursions=recursions), image)
    assert (output - golden[f"output_steps{recursions}"]).abs().max() <= TOLERANCE
    other = golden[f"output_steps{recursions % 4 + 1}"]
    assert (output - other).abs().max() > 100 * TOLERANCE


def test_every_stage(golden):
    network = make()
    stages = {}

    def keep(name, change=lambda result: result):
        def hook(module, arguments, result):
            stages[name] = change(result)

        return hook

    network.a.register_forward_hook(keep("global_a"))
    network.b.register_forward_hook(keep("global_b"))
    network.head.register_forward_hook(keep("shallow"))
    for level in (1, 2):
        network.ca[level - 1].register_forward_hook(keep(f"stage{level}", interleave))
    network.ca[2].register_forward_hook(keep("stage3"))
    fuse(network, torch.cat([golden["input_a"], golden["input_b"]], dim=1))
    errors = {
        name: float((stage[CROP] - golden[f"{name}__crop"]).abs().max())
        for name, stage in stages.items()
    }
    assert len(errors) == 6
    assert {name: error for name, error in errors.items() if not error <= TOLERANCE} == {}


def test_the_two_channels_are_not_interchangeable(network):
    image = random_pairs(1, 2, 16, 24)
    assert (fuse(network, image) - fuse(network, image.flip(1))).abs().max() > 0.05


@pytest.mark.parametrize(
    "size", [(8, 8), (8, 9), (9, 8), (13, 31), (41, 17), (3, 20), (1, 1), (8, 2048), (2048, 9)]
)
def test_any_size(network, size):
    fused = fuse(network, random_pairs(2, 2, *size))
    assert fused.shape == (2, 1, *size)
    assert fused.dtype == torch.float32
    assert 0 <= fused.min() <= fused.max() <= 1
    assert size == (1, 1) or fused.std() > 0.01


def test_odd_sizes_are_padded_at_the_end_and_cropped(network):
    image = random_pairs(1, 2, 21, 30)
    padded = torch.from_numpy(np.pad(image.numpy(), [(0, 0), (0, 0), (0, 3), (0, 2)], "reflect"))
    fused = fuse(network, image)
    torch.testing.assert_close(fused, fuse(network, padded)[..., :21, :30], rtol=0, atol=1e-6)


@pytest.mark.parametrize("recursions", [1, 2, 3, 4])
def test_recursion_costs_no_parameters(recursions):
    assert sum(p.numel() for p in CMINet(recursions).parameters()) == 231_240


def test_parts_of_the_ablation():
    image = random_pairs(1, 2, 16, 24)
    intra, inter = make(modules="intra"), make(modules="inter")
    assert not [name for name in intra.state_dict() if name.startswith(("lfe", "ca"))]
    assert not any(isinstance(module, RecursiveTransformer) for module in inter.modules())
    results = [fuse(network, image) for network in (make(), intra, inter)]
    assert all(result.shape == (1, 1, 16, 24) for result in results)
    assert min((results[0] - r).abs().max() for r in results[1:]) > 0.01


@pytest.mark.parametrize("options", [{"modules": "none"}, {"recursions": 0}])
def test_unknown_options_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        CMINet(**options)


def test_an_untrained_gate_is_open():
    gadn = CMINet().lfe[0].gda[0].gadn
    features = random_pairs(2, 16, 8, 8)
    assert torch.equal(gadn(features), features)


@pytest.mark.slow
def test_training_lowers_the_published_criterion(train_briefly):
    torch.manual_seed(0)
    network = CMINet().train()
    criterion = FusionLoss(
        [
            {"weight": 10, "term": MaximumSimilarityLoss()},
            {"weight": 100, "term": TextureLoss()},
            {"weight": 1, "term": PixelLoss()},
        ]
    )
    image = torch.nn.functional.interpolate(random_pairs(2, 2, 6, 6), size=24, mode="bilinear")
    losses = train_briefly(network, criterion, image, learning_rate=2e-4)
    assert losses[-1] < 0.9 * losses[0]
