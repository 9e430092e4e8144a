"""The override files of DILRAN say what the paper and the ablations say, and train."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser

from mactfusion.errors import FusionWarning, InputError
from mactfusion.losses import PerceptualLoss
from mactfusion.losses.dilran import vgg16_bn_layers
from mactfusion.networks.dilran import DILRAN
from mactfusion.networks.dilran_fusion import RULES
from mactfusion.weights import load_weights

LOSSES = {
    "dilran_only_mse": {"gradient": 0, "perceptual": 0},
    "dilran_without_gradient": {"gradient": 0},
    "dilran_without_perceptual": {"perceptual": 0},
}


def read(bundle, *names):
    parser = ConfigParser()
    parser.read_config([str(bundle / "configs" / f"{name}.yaml") for name in names])
    return parser


def weights_of(loss):
    return {type(t).__name__: w for t, w in zip(loss.terms, loss.weights, strict=True)}


def test_training_without_vgg_goes_on_and_says_so(bundle):
    parser = read(bundle, "train", "dilran")
    assert type(parser.get_parsed_content("network_def")) is DILRAN
    optimizer = parser.get_parsed_content("optimizer")
    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults["lr"] == 1e-4
    with pytest.warns(FusionWarning, match="perceptual term"):
        loss = parser.get_parsed_content("loss")
    assert weights_of(loss) == {"ReconstructionLoss": 1.0, "GradientDifferenceLoss": 0.2}


def test_training_with_vgg(bundle, tmp_path):
    layers = vgg16_bn_layers()
    state = {f"features.{name}": tensor for name, tensor in layers.state_dict().items()}
    torch.save(state, tmp_path / "vgg.pth")
    parser = read(bundle, "train", "dilran")
    parser["vgg_weights"] = str(tmp_path / "vgg.pth")
    loss = parser.get_parsed_content("loss")
    assert weights_of(loss)["PerceptualLoss"] == 0.2
    term = next(term for term in loss.terms if isinstance(term, PerceptualLoss))
    assert torch.equal(term.layers[20].weight, layers[20].weight)


def test_vgg_weights_that_are_absent_are_named(bundle, tmp_path):
    parser = read(bundle, "train", "dilran")
    parser["vgg_weights"] = str(tmp_path / "absent.pth")
    with pytest.raises(Exception, match="read_state") as caught:  # MONAI wraps what is wrong
        parser.get_parsed_content("loss")
    causes = [caught.value]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    assert any(isinstance(c, InputError) and "absent.pth" in str(c) for c in causes)


def test_inference_differs_in_the_network_alone(bundle):
    plain, with_model = read(bundle, "inference"), read(bundle, "inference", "dilran")
    changed = {key for key in plain.config if plain.config[key] != with_model.config[key]}
    assert changed == {"model", "network_def"}
    network = with_model.get_parsed_content("network_def").eval()
    assert network(torch.rand(1, 2, 16, 16)).shape == (1, 1, 16, 16)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_ablation_changes_its_weights_alone(bundle, name):
    plain = read(bundle, "train", "dilran")
    ablation = read(bundle, "train", "dilran", f"ablations/{name}")
    changed = {key for key in plain.config if plain.config[key] != ablation.config[key]}
    assert changed == {"loss"}
    assert ablation["loss"] == {**plain["loss"], **LOSSES[name]}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "sfnn_max"])
def test_a_rule_ablation_changes_the_rule_alone(bundle, rule):
    parser = read(bundle, "inference", "dilran", f"ablations/dilran_rule_{rule}")
    assert type(parser.get_parsed_content("network_def").rule) is RULES[rule]
    assert parser["network_def"] == {**read(bundle, "dilran")["network_def"], "rule": rule}


def test_every_ablation_is_listed(bundle):
    files = {path.stem for path in (bundle / "configs" / "ablations").glob("dilran_*.yaml")}
    rules = {f"dilran_rule_{rule}" for rule in RULES if rule != "sfnn_max"}
    assert files == rules | set(LOSSES)


@pytest.mark.slow
def test_a_short_training_ends_in_weights_that_fuse(bundle, run_bundle, slices, tmp_path):
    log = run_bundle(
        bundle,
        *("run", "--config_file", "['configs/train.yaml','configs/dilran.yaml']"),
        *("--epoch_length", 2, "--batch_size", 2, "--crop", "[32,32]", "--val_every_case", 2),
        *("--warmup_steps", 1, "--epochs", 1, "--device", "cpu", "--dataset_dir", slices),
        *("--output_dir", tmp_path),
    )
    assert "perceptual term of DILRAN is left out" in log
    network = load_weights(DILRAN(), tmp_path / "model.pt")
    with torch.no_grad():
        assert torch.isfinite(network(torch.rand(1, 2, 16, 16))).all()
