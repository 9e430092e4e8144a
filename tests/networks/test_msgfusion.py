"""MsgFusion computes what the published code computes, and it trains."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from mactfusion.errors import InputError
from mactfusion.losses import BothDistanceLoss, BothSimilarityLoss, FusionLoss
from mactfusion.networks.msgfusion import MsgFusion

GOLDEN = Path(__file__).with_name("msgfusion_synthetic_48x64.npz")

TOLERANCE = 1e-4

CROP = (slice(None), slice(None), slice(20, 28), slice(28, 36))

GREY = torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]


def synthetic_values(key, shape):
    """The recipe of the golden file: noise seeded by the published key, scaled by its role."""
    z = np.random.default_rng(zlib.crc32(key.encode("ascii"))).standard_normal(shape)
    if key.endswith("running_mean"):
        values = 0.05 * z
    elif key.endswith("running_var"):
        values = 0.5 + np.abs(z)
    elif key.endswith("bias"):
        values = 0.05 * z
    elif len(shape) == 4:
        values = z * np.sqrt(2 / np.prod(shape[1:]))
    else:
        values = 1 + 0.1 * z
    return torch.from_numpy(values.astype(np.float32))


def make(**options):
    """A network with synthetic weights, for evaluation."""
    network = MsgFusion(**options)
    state = network.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            # The published code holds the blocks of the cascade at the top.
            state[name] = synthetic_values(name.removeprefix("gv."), tensor.shape)
    network.load_state_dict(state)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return make()


@pytest.fixture(scope="module")
def released():
    return make(freq="official")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return {name: torch.from_numpy(values) for name, values in file.items()}


def fuse(network, image):
    with torch.no_grad():
        return network(image)


def random_pairs(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def test_output_and_every_stage(golden, released):
    stages = {}

    def keep(name):
        def hook(module, arguments, result):
            stages.setdefault(name, (arguments[0], result))  # the first call of two

        return hook

    released.gv.register_forward_hook(keep("gv"))
    released.pet_lf.register_forward_hook(keep("lf"))
    released.SpT.register_forward_hook(keep("spt"))
    released.conv6.register_forward_hook(keep("conv6"))
    with torch.no_grad():
        output = released.fuse(golden["mr"], golden["other"], golden["light"])
        light = released.conv6(released.pet_lf(golden["light"])).tanh()
    larger, level2 = stages["conv6"]
    actual = {
        "output": output,
        "light_rgb": light,
        "level2_rgb": level2.tanh(),
        "level1_max__crop": larger[CROP],
        "gv1": stages["gv"][1][CROP],
        "sf1__crop": stages["lf"][1][CROP],
        "sf2__crop": stages["spt"][1][CROP],
    }
    assert set(actual) == set(golden) - {"mr", "other", "light"}
    errors = {name: float((value - golden[name]).abs().max()) for name, value in actual.items()}
    assert {name: error for name, error in errors.items() if not error <= TOLERANCE} == {}


def test_parameters_are_the_published_ones_that_are_used():
    assert sum(p.numel() for p in MsgFusion(freq="official").parameters()) == 2_641_091
    assert sum(p.numel() for p in MsgFusion().parameters()) == 2_641_091 + 20_736


def test_frequency_and_brightness_change_the_fused_slice(network):
    image = random_pairs(1, 2, 16, 24)
    fused = fuse(network, image)
    for options in ({"freq": "official"}, {"freq": "none"}, {"vprime": "none"}, {"vprime": "ct"}):
        assert (fused - fuse(make(**options), image)).abs().max() > 0.01, options


def test_without_frequency_and_brightness_their_parts_are_gone(golden):
    network = make(freq="none", vprime="none")
    assert not [name for name in network.state_dict() if name.startswith("SpT")]
    first = network.fuse(golden["mr"], golden["other"], golden["light"])
    assert torch.equal(first, network.fuse(golden["mr"], golden["other"], 0 * golden["light"]))


def functional(y):
    return np.minimum(2 * y, 1)


def of_ct(y):
    return np.clip(3 * y - 1, 0, 1)


@pytest.mark.parametrize(("vprime", "formula"), [("functional", functional), ("ct", of_ct)])
def test_roles_and_grey_output(vprime, formula):
    network = make(vprime=vprime)
    image = random_pairs(2, 2, 10, 12)
    anatomical, partner = (image[:, [channel] * 3] for channel in (0, 1))
    light = torch.from_numpy(formula(partner.numpy()))
    with torch.no_grad():
        channels = network.fuse(anatomical, partner, light)
    assert channels.std(dim=1).max() > 0.05  # so that the weights of grey matter
    expected = (channels * GREY).sum(dim=1, keepdim=True).clamp(0, 1)
    torch.testing.assert_close(fuse(network, image), expected, rtol=0, atol=1e-5)


def test_weights_bring_the_formula_that_they_were_trained_with():
    image = random_pairs(1, 2, 10, 12)
    of_ct = make(vprime="ct")
    network = MsgFusion().eval()
    network.load_state_dict(of_ct.state_dict())
    assert torch.equal(fuse(network, image), fuse(of_ct, image))


@pytest.mark.parametrize(
    "size",
    [
        *((8, 8), (8, 9), (9, 8), (13, 31), (3, 20), (1, 1)),
        *(pytest.param(size, marks=pytest.mark.slow) for size in ((8, 2048), (2048, 9))),
    ],
)
def test_any_size(network, size):
    fused = fuse(network, random_pairs(1, 2, *size))
    assert fused.shape == (1, 1, *size)
    assert fused.dtype == torch.float32
    assert 0 <= fused.min() <= fused.max() <= 1
    assert size == (1, 1) or fused.std() > 0.01


def test_odd_sizes_are_padded_at_the_end_and_cropped(network):
    image = random_pairs(1, 2, 13, 15)
    padded = torch.from_numpy(np.pad(image.numpy(), [(0, 0), (0, 0), (0, 1), (0, 1)], "reflect"))
    expected = fuse(network, padded)[..., :13, :15]
    torch.testing.assert_close(fuse(network, image), expected, rtol=0, atol=1e-6)


def test_a_faint_slice_is_not_stretched_to_full_brightness(network):
    faint = random_pairs(1, 2, 12, 12) * 0.02
    lights = []
    handle = network.pet_lf.register_forward_pre_hook(lambda _, given: lights.append(given[0]))
    fuse(network, faint)
    handle.remove()
    assert len(lights) == 2  # the anatomical slice and V′
    assert max(light.max() for light in lights) <= 0.04


@pytest.mark.parametrize(
    "options", [{"freq": "on"}, {"vprime": "hsv"}, {"training_channels": 2}], ids=str
)
def test_unknown_options_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        MsgFusion(**options)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_in_training_and_in_evaluation(channels):
    network = make(training_channels=channels)
    image = random_pairs(2, 2, 8, 8)
    assert network.train()(image).shape == (2, channels, 8, 8)
    assert network.eval()(image).shape == (2, 1, 8, 8)


def test_kept_statistics_make_training_what_evaluation_is():
    image = random_pairs(2, 2, 8, 8)
    network = make(keep_statistics=True)
    before = {name: value.clone() for name, value in network.named_buffers()}
    in_training = network.train()(image)
    in_training.mean().backward()
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())
    assert network.pet_lf[1].weight.grad.abs().max() > 0  # only the statistics stay
    in_training = in_training.detach().clamp(0, 1)
    torch.testing.assert_close(network.eval()(image), in_training, rtol=0, atol=1e-6)
    usual = make().train()
    usual(image)
    assert not torch.equal(usual.gv.conv9.bn.running_mean, before["gv.conv9.bn.running_mean"])


@pytest.mark.slow
def test_training_lowers_the_published_criterion(train_briefly):
    torch.manual_seed(0)
    network = MsgFusion(training_channels=3).train()
    criterion = FusionLoss(
        [
            {"weight": 0.8, "term": BothSimilarityLoss()},
            {"weight": 0.2, "term": BothDistanceLoss()},
        ]
    )
    image = torch.nn.functional.interpolate(random_pairs(2, 2, 5, 5), size=20, mode="bilinear")
    losses = train_briefly(network, criterion, image, learning_rate=1e-3)
    assert losses[-1] < 0.9 * losses[0]
    assert network.SpT.step.amplitude[2].weight.abs().max() > 1e-4  # the frequency path learns
    assert network.SpT.step.phase[2].weight.abs().max() > 1e-4


def test_a_blank_pair_in_a_training_batch_keeps_gradients_finite():
    images = random_pairs(2, 2, 10, 12)
    images[1] = 0
    for freq in ("amp_phase", "official"):
        network = make(freq=freq).train()
        network(images).mean().backward()
        assert all(torch.isfinite(p.grad).all() for p in network.parameters())
