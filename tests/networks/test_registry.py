"""What must hold for every network of the registry; one more line there is tested alike."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from pydoc import locate

import numpy as np
import pytest
import tiny_network
import torch
from monai.bundle import ConfigParser
from tiny_network import Tiny
from torch import nn

from mactfusion.deploy.export import record_program
from mactfusion.errors import InputError
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.mactfusion_plus import MACTFusionPlus
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS, find_model
from mactfusion.transforms.task import TASKS
from mactfusion.weights import load_weights, save_state

CONFIGS = Path(__file__).parents[2] / "monai_bundle" / "configs"
ALL = {**MODELS, tiny_network.NAME: tiny_network.MODEL}


def synthetic_values(key, tensor):
    """Noise seeded by the key and scaled by its role, so that every parameter is in play."""
    if not tensor.is_floating_point():
        return tensor
    shape = tuple(tensor.shape)
    z = np.random.default_rng(zlib.crc32(key.encode("ascii"))).standard_normal(shape)
    if key.endswith("running_var"):
        values = 0.5 + np.abs(z)
    elif key.endswith(("bias", "running_mean")):
        values = 0.05 * z
    elif len(shape) > 1:
        values = z * np.sqrt(1 / np.prod(shape[1:]))
    else:
        values = 1 + 0.1 * z
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


@pytest.fixture(params=list(ALL))
def model(request):
    """Each model in turn."""
    return ALL[request.param]


@pytest.fixture
def network(model):
    """Its network with synthetic weights, for evaluation."""
    torch.manual_seed(0)
    network = model.network()
    network.load_state_dict({k: synthetic_values(k, t) for k, t in network.state_dict().items()})
    return network.eval()


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
    assert size == (1, 1) or fused.std() > 0.001


@pytest.mark.parametrize("size", [(24, 32), (23, 31)])
def test_batching_changes_nothing(network, size):
    images = random_pairs(4, 2, *size) * torch.tensor([0.1, 0.4, 0.7, 1])[:, None, None, None]
    images[1] = 0.5
    together = fuse(network, images)
    single = torch.cat([fuse(network, image[None]) for image in images])
    assert (together - single).abs().max() <= 1e-5 * single.abs().max()
    order = [2, 0, 3, 1]
    shuffled = fuse(network, images[order])
    assert (shuffled - single[order]).abs().max() <= 1e-5 * single.abs().max()


def test_a_result_repeats_itself(network):
    image = random_pairs(1, 2, 24, 32)
    assert torch.equal(fuse(network, image), fuse(network, image))


def test_the_input_is_left_alone(network):
    image = random_pairs(2, 2, 17, 24)
    before = image.clone()
    fuse(network, image)
    assert torch.equal(image, before)


@pytest.mark.parametrize("channel", [0, 1])
def test_each_input_matters(network, channel):
    image = random_pairs(1, 2, 16, 24)
    changed = image.clone()
    changed[:, channel] = changed[:, channel].flip(-1)
    difference = fuse(network, image) - fuse(network, changed)
    assert difference.abs().max() > 0.001


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
        assert alone.std() > 0.001
        torch.testing.assert_close(fused[index], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_close(network, dtype):
    image = random_pairs(1, 2, 16, 16)  # a CPU may be slow at it
    exact = fuse(network, image)
    with torch.autocast("cpu", dtype=dtype):
        rough = fuse(network, image).float()
    assert (rough - exact).abs().mean() < 0.05 * exact.abs().mean()


def test_gradient_reaches_every_parameter(network):
    network.train()(random_pairs(2, 2, 16, 24)).square().mean().backward()
    unreached = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert unreached == []


def test_a_blank_pair_in_a_training_batch_keeps_gradients_finite(model):
    torch.manual_seed(0)
    network = model.network().train()
    images = random_pairs(2, 2, 16, 16)
    images[1] = 0
    network(images).mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_weights_survive_a_file(model, network, tmp_path):
    save_state(network.state_dict(), tmp_path / "model.pt")
    loaded = load_weights(model.network(), tmp_path / "model.pt")
    image = random_pairs(1, 2, 16, 24)
    assert torch.equal(fuse(loaded, image), fuse(network, image))


def test_weights_of_another_network_are_refused(model, tmp_path):
    other = Tiny if model.network is not Tiny else MODELS["mactfusion"].network
    save_state(other().state_dict(), tmp_path / "model.pt")
    with pytest.raises(InputError, match=model.network.__name__):
        load_weights(model.network(), tmp_path / "model.pt")


def test_trace(network):
    image = random_pairs(1, 2, 24, 40)
    with torch.no_grad():
        traced = torch.jit.trace(network, image)
    for shape in ((1, 2, 24, 40), (2, 2, 33, 50), (1, 2, 5, 70)):
        other = random_pairs(*shape).flip(-1)
        expected = fuse(network, other)
        assert (fuse(traced, other) - expected).abs().max() <= 1e-5 * expected.abs().max()
    blank = torch.full((1, 2, 24, 40), 0.5)
    assert torch.equal(fuse(traced, blank), blank[:, :1])


def without_twins(network):
    """The network with one of each two parts that are built alike, so that it is soon recorded."""
    if isinstance(network, MACTFusion):
        network.partner = nn.Conv2d(1, 48, 3, padding=1)
        network.partner_cross = PassOn()
    if isinstance(network, MACTFusionPlus):
        network.anatomical_cross = PassOn()
    return network


class PassOn(nn.Module):
    """In place of a part that brings one modality's features into the other's."""

    def forward(self, own, other):
        return own


def test_recorded_for_any_batch_height_and_width(network):
    network = without_twins(network)
    exported = record_program(network).module()
    for shape in ((2, 2, 48, 64), (1, 2, 17, 80), (3, 2, 61, 35)):
        image = random_pairs(*shape)
        image[-1] *= 0.5
        expected = fuse(network, image)
        error = (fuse(exported, image) - expected).abs().max()
        assert error <= 1e-5 * expected.abs().max()
    blank = torch.full((1, 2, 32, 47), 0.5)
    assert torch.equal(fuse(exported, blank), blank[:, :1])


def test_size_and_cost_are_those_of_the_network(model, network):
    assert model.parameter_count() == sum(p.numel() for p in network.parameters()) > 0
    cost = model.gigaflops(64, 96)
    assert cost > 0
    assert model.gigaflops(128, 96) == pytest.approx(2 * cost, rel=0.5)


@pytest.mark.parametrize("name", MODELS)
def test_an_entry_is_complete(name):
    model = MODELS[name]
    assert re.fullmatch(r"[a-z0-9_]+", name)
    files = [file for other in MODELS.values() for file in other.weight_files()]
    assert all(file.endswith(".pt") and files.count(file) == 1 for file in model.weight_files())
    assert model.tasks
    assert set(model.tasks) <= set(TASKS)
    assert all(model.weights_for(task) for task in model.tasks)
    assert set(model.own_weights) <= set(model.tasks)
    assert re.search(r"\b(19|20)\d\d\b", model.citation)
    assert "doi" not in model.citation or re.search(r", doi:10\.\d+/\S+$", model.citation)
    assert model.status.endswith(".")


@pytest.mark.parametrize("name", MODELS)
def test_the_override_file_names_the_network(name):
    files = [f"{name}.yaml", "inference.yaml"] if name == DEFAULT_MODEL else [f"{name}.yaml"]
    for file in files:
        config = ConfigParser.load_config_file(CONFIGS / file)
        assert locate(config["network_def"]["_target_"]) is MODELS[name].network
        assert config["model"] == ("auto" if file == "inference.yaml" else name)


def test_the_readme_describes_every_model():
    lines = (CONFIGS.parents[1] / "README.md").read_text(encoding="utf-8").splitlines()
    for name, model in MODELS.items():
        row = next((line for line in lines if line.startswith(f"| `{name}` |")), "")
        assert row, f"README's table of networks lacks a row for {name}."
        size = f"{model.parameter_count():,}".replace(",", " ")
        assert row.endswith(f" | {size} | {model.gigaflops():.1f} |")
        assert ("reconstruction" in row) == ("reconstruction" in model.status)


def test_known_costs():
    """MACTFusion's 39.65 billion multiplications, by hand from its layers; DILRAN's likewise."""
    assert MODELS["mactfusion"].gigaflops() == pytest.approx(2 * 39.65, abs=0.02)
    extraction = 64 + 3 * 64 * 64 * 9 + 192 * 64 + 3 * 64 * 64 * 9
    reconstruction = 64 * 64 * 9 + 64 * 32 * 9 + 32 * 9
    by_hand = 2 * (2 * extraction + reconstruction) * 256 * 256 / 1e9
    assert MODELS["dilran"].gigaflops() == pytest.approx(by_hand, rel=1e-6)


def test_an_unknown_model_is_refused_with_the_choices():
    with pytest.raises(InputError, match=r"'dilan'.*mactfusion.*dilran"):
        find_model("dilan")
    assert find_model("dilran") is MODELS["dilran"]


def test_command_lists_every_model(monkeypatch, run_command):
    monkeypatch.setitem(MODELS, "tiny", ALL["tiny"])
    outcome = run_command("models")
    assert outcome.code == 0
    for name, model in MODELS.items():
        title = f"{name} (default)" if name == DEFAULT_MODEL else name
        assert f"\n{title}\n" in f"\n{outcome.out}"
        assert f"{model.parameter_count():,} parameters" in outcome.out
        assert model.citation in outcome.out
        assert model.status in outcome.out
    assert "19 parameters" in outcome.out
    assert "tiny.pt (not shipped)" in outcome.out
    assert " mactfusion_plus.pt, mactfusion_plus-ct-mri.pt (for ct-mri)\n" in outcome.out
    assert " s a slice" not in outcome.out


@pytest.fixture
def tiny_alone():
    """No other network; the order of the registry, which others look at, comes back."""
    before = dict(MODELS)
    MODELS.clear()
    MODELS["tiny"] = ALL["tiny"]
    yield
    MODELS.clear()
    MODELS.update(before)


@pytest.mark.usefixtures("tiny_alone")
def test_command_measures_when_asked(run_command):
    outcome = run_command("models", "--measure")
    assert re.search(r"speed +\d+\.\d\d s a slice", outcome.out)
