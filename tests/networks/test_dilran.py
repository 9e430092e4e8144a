"""DILRAN computes what the authors' published network computes: features, weights, results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mactfusion.errors import InputError
from mactfusion.networks.dilran import DILRAN
from mactfusion.networks.dilran_fusion import RULES, Average, WeightedMean, softmax_nuclear_norms
from mactfusion.networks.published_weights import import_published_weights
from mactfusion.weights import read_state
from training.dilran_figures import authors_figures, find_authors_pairs

SYNTHETIC = Path(__file__).with_name("dilran_synthetic_48x64.npz")
TOLERANCE = 1e-4
STAGES = {
    "fe.conv1": "expand",
    "fe.fe.convd1": "dilated.0",
    "fe.fe.convd2": "dilated.1",
    "fe.fe.convd3": "dilated.2",
    "fe.fe.reduce": "reduce",
    "fe": "",
}


def make(state, rule="sfnn_max"):
    network = DILRAN(rule)
    network.load_state_dict(state)
    return network.eval()


@pytest.fixture(scope="module")
def synthetic(synthetic_dilran_checkpoint):
    """Synthetic weights in this project's names."""
    return import_published_weights(synthetic_dilran_checkpoint).state


@pytest.fixture(scope="module")
def published(reference):
    """The authors' weights in this project's names."""
    return import_published_weights(read_state(reference / "checkpoints" / "dilran_ctmri.pt")).state


def random_pairs(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def features_of(network, image):
    """Features of the partner and of the anatomical image: first and second in the golden files."""
    with torch.no_grad():
        return network.features(image[:, 1:]), network.features(image[:, :1])


def distance(actual, expected):
    return float((actual - torch.as_tensor(expected)).abs().max())


def test_synthetic_weights(synthetic):
    with np.load(SYNTHETIC) as golden:
        image = torch.from_numpy(np.concatenate([golden["input_b"], golden["input_a"]], 1))
        fused, reconstructed = golden["fused_sfnn_max"], golden["recon_a"][0]
        weight = float(golden["weight_a"])
    network = make(synthetic)
    first, second = features_of(network, image)
    assert float(network.rule.weight(first, second)) == pytest.approx(weight, abs=TOLERANCE)
    with torch.no_grad():
        assert distance(network(image), fused) <= TOLERANCE * np.abs(fused).max()
        error = distance(network.reconstruct(image)[:, 1], reconstructed)
    assert error <= TOLERANCE * np.abs(reconstructed).max()


def stage_crops(network, image, row, column):
    """What each stage gives for one image, 8 x 8 pixels of it, by the published names."""
    crops = {}

    def keep(name):
        def hook(_, __, result):
            crops.setdefault(name, []).append(result[..., row : row + 8, column : column + 8])

        return hook

    handles = [
        network.features.get_submodule(path).register_forward_hook(keep(name))
        for name, path in {**STAGES, "fe.fe.bnorm1": "norm"}.items()
    ]
    with torch.no_grad():
        network.features(image)
    for handle in handles:
        handle.remove()
    first, second = crops.pop("fe.fe.bnorm1")
    return {
        **{name: crop for name, (crop,) in crops.items()},
        "fe.fe.bnorm1#0": first,
        "fe.fe.bnorm1#1": second,
    }


def assert_golden(network, image, golden, corner):
    """Stages of the partner, features and nuclear norms of both, and the fused picture."""
    crops = stage_crops(network, image[:, 1:], *corner)
    assert len(crops) == 8
    for name, crop in crops.items():
        expected = golden[f"train_bn.a.{name}__crop"]
        assert distance(crop, expected) <= 1e-4 * np.abs(expected).max(), name
    row, column = corner
    for features, name in zip(features_of(network, image), ("a", "b"), strict=True):
        expected = golden[f"train_bn.f{name}__crop"]
        crop = features[..., row : row + 8, column : column + 8]
        assert distance(crop, expected) <= 1e-4 * np.abs(expected).max()
        norms = golden[f"train_bn.nuc_{name}"]
        assert distance(softmax_nuclear_norms(features)[0], norms) <= 1e-5 * norms.max()
    with torch.no_grad():
        assert distance(network(image)[0, 0], golden["train_bn.fused_sfnn_max"]) <= TOLERANCE


def test_random_pair(reference, published):
    folder = reference / "specs" / "golden"
    with np.load(folder / "dilran_random_96x128.npz") as file:
        golden = dict(file)
    weights = json.loads((folder / "dilran_random_96x128.json").read_text())["stats"]
    image = torch.from_numpy(np.concatenate([golden["input_b"], golden["input_a"]], 1))
    network = make(published)
    assert_golden(network, image, golden, (44, 60))
    first, second = features_of(network, image)
    for rule, name in {"sfnn_max": "max", "sfnn_mean": "mean", "fl1n": "fl1n"}.items():
        expected = weights["train_bn.w_a"][name]
        assert float(RULES[rule]().weight(first, second)) == pytest.approx(expected, abs=TOLERANCE)
    with torch.no_grad():
        for rule in ("average", "fl1n"):
            fused = make(published, rule)(image)[0, 0]
            assert distance(fused, golden[f"train_bn.fused_{rule}"]) <= TOLERANCE
        assert distance(network.reconstruct(image)[0, 1], golden["train_bn.recon_a"]) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(("case", "weight"), [("16013", 0.786921), ("34008", 0.872121)])
def test_ct_mri_pair(reference, published, case, weight):
    folder = reference / "specs" / "golden"
    with np.load(folder / f"dilran_ctmri_{case}.npz") as file:
        golden = dict(file)
    pair = np.stack([golden["mri_u8"], golden["ct_u8"]])[None].astype(np.float32) / 255
    network, image = make(published), torch.from_numpy(pair)
    assert_golden(network, image, golden, (124, 124))
    first, second = features_of(network, image)
    assert float(network.rule.weight(first, second)) == pytest.approx(weight, abs=TOLERANCE)
    weights = json.loads((folder / "dilran_ctmri.json").read_text())["pairs"][case]["train_bn.w_a"]
    for rule, name in {"sfnn_mean": "mean", "fl1n": "fl1n"}.items():
        actual = float(RULES[rule]().weight(first, second))
        assert actual == pytest.approx(weights[name], abs=TOLERANCE)


@pytest.mark.slow
def test_published_figures_of_the_authors_test_pairs(reference, published):
    """PSNR 18.258, SSIM 0.740 and EN 9.887 in the paper's table, by the definitions of its code."""
    pairs = find_authors_pairs(reference / "data" / "wba")
    psnr, ssim, entropy = authors_figures(make(published), pairs).values()
    assert psnr == pytest.approx(18.2565, abs=5e-4)
    assert ssim == pytest.approx(0.7400, abs=5e-5)
    # It counts distinct numbers, and so the rounding of a machine: 0.01 more with other kernels.
    assert entropy == pytest.approx(9.8895, abs=0.02)


@pytest.fixture(scope="module")
def two_features():
    generator = torch.Generator().manual_seed(3)
    return [scale * torch.randn(3, 5, 8, 12, generator=generator) for scale in (1, 4)]


def nuclear_norms(features):
    """Of the softmax over channels (C, H, W), by a full decomposition in double precision."""
    exponential = np.exp(features.double().numpy())
    share = exponential / exponential.sum(axis=0)
    return np.array([np.linalg.norm(channel, "nuc") for channel in share])


@pytest.mark.parametrize("rule", RULES)
def test_rules_against_their_formulas(rule, two_features):
    fused = RULES[rule]()(*two_features)
    for index, (first, second) in enumerate(zip(*two_features, strict=True)):
        a, b = first.double().numpy(), second.double().numpy()
        largest, mean = (
            [reduce(nuclear_norms(f)) for f in (first, second)] for reduce in (np.max, np.mean)
        )
        absolute = [np.abs(f).sum() for f in (a, b)]
        weight = {
            "sfnn_max": largest[0] ** 2 / (largest[0] ** 2 + largest[1] ** 2),
            "sfnn_mean": mean[0] / sum(mean),
            "average": 0.5,
            "fl1n": absolute[0] / sum(absolute),
            "fer": a**2 / (a**2 + b**2),
        }
        expected = a + b if rule == "addition" else weight[rule] * a + (1 - weight[rule]) * b
        assert distance(fused[index], expected) < 1e-4


@pytest.mark.parametrize("rule", RULES)
def test_rules_of_nothing_are_nothing(rule):
    nothing = torch.zeros(2, 5, 8, 12)
    assert torch.equal(RULES[rule]()(nothing, nothing), nothing)


def test_rules_weigh_each_pair_by_itself(two_features):
    for rule in RULES.values():
        if issubclass(rule, WeightedMean) and rule is not Average:
            together = rule().weight(*two_features)
            alone = [rule().weight(*(f[i][None] for f in two_features)) for i in range(3)]
            torch.testing.assert_close(together, torch.cat(alone))
            assert together.unique().numel() == 3


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_fuses(synthetic, rule):
    image = random_pairs(2, 2, 17, 24)
    with torch.no_grad():
        fused = make(synthetic, rule)(image)
        published = make(synthetic)(image)
    assert torch.isfinite(fused).all()
    assert (rule == "sfnn_max") == torch.equal(fused, published)


def test_an_unknown_rule_is_refused():
    with pytest.raises(InputError, match=r"'median'.*sfnn_max"):
        DILRAN("median")


def test_an_odd_edge_is_repeated_and_cropped(synthetic):
    image = random_pairs(1, 2, 23, 31)
    padded = torch.from_numpy(np.pad(image.numpy(), [(0, 0), (0, 0), (0, 1), (0, 1)], mode="edge"))
    network = make(synthetic)
    with torch.no_grad():
        assert distance(network(image), network(padded)[..., :23, :31]) <= 1e-5
        one, other = network.reconstruct(image), network.reconstruct(padded)
    assert distance(one, other[..., :23, :31]) <= 1e-5


def test_training_reconstructs_each_image_by_itself(synthetic):
    images = random_pairs(2, 2, 16, 24) * torch.tensor([0.3, 1])[:, None, None, None]
    network = make(synthetic).train()
    both = network(images)
    assert both.shape == images.shape
    for pair in range(2):
        for channel in range(2):
            alone = network(images[pair, channel][None, None])
            assert distance(both[pair, channel], alone[0, 0].detach()) <= 1e-4
    with torch.no_grad():
        assert torch.equal(network.eval().reconstruct(images), both)


def test_training_leaves_no_statistics_behind():
    network = DILRAN().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network(random_pairs(2, 2, 16, 16))
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert not dict(network.named_buffers())


def test_an_auto_encoder_learns():
    torch.manual_seed(0)
    network = DILRAN().train()
    image = random_pairs(1, 2, 16, 16)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(15):
        loss = (network(image) - image).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.3 * losses[0]
