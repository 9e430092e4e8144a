"""The override files of CMINet and MsgFusion say what the papers and the ablations say."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser

from mactfusion.networks.cminet import CMINet
from mactfusion.networks.msgfusion import MsgFusion

OPTIONS = {
    "cminet_recursions_1": {"recursions": 1},
    "cminet_recursions_3": {"recursions": 3},
    "cminet_recursions_4": {"recursions": 4},
    "cminet_intra_only": {"modules": "intra"},
    "cminet_inter_only": {"modules": "inter"},
    "msgfusion_released_frequency": {"freq": "official"},
    "msgfusion_without_frequency": {"freq": "none"},
    "msgfusion_without_hsv": {"vprime": "none"},
}


def read(bundle, *names):
    parser = ConfigParser()
    parser.read_config([str(bundle / "configs" / f"{name}.yaml") for name in names])
    return parser


@pytest.mark.parametrize(
    ("name", "network", "rate", "weights"),
    [
        ("cminet", CMINet, 2e-4, {"MaximumSimilarityLoss": 10, "TextureLoss": 100, "PixelLoss": 1}),
        ("msgfusion", MsgFusion, 1e-3, {"BothSimilarityLoss": 0.8, "BothDistanceLoss": 0.2}),
    ],
)
def test_training(bundle, name, network, rate, weights):
    parser = read(bundle, "train", name)
    assert type(parser.get_parsed_content("network_def")) is network
    optimizer = parser.get_parsed_content("optimizer")
    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults["lr"] == rate
    loss = parser.get_parsed_content("loss")
    assert {type(t).__name__: w for t, w in zip(loss.terms, loss.weights, strict=True)} == weights


@pytest.mark.parametrize("name", ["cminet", "msgfusion"])
def test_inference_differs_in_the_network_alone(bundle, name):
    plain, with_model = read(bundle, "inference"), read(bundle, "inference", name)
    changed = {key for key in plain.config if plain.config[key] != with_model.config[key]}
    assert changed == {"model", "network_def"}


def test_vprime_of_ct(bundle):
    parser = read(bundle, "train", "msgfusion", "msgfusion_ct")
    assert parser["network_def"]["training_channels"] == 3
    assert parser.get_parsed_content("network_def").vprime_of_ct
    assert not read(bundle, "train", "msgfusion").get_parsed_content("network_def").vprime_of_ct


@pytest.mark.parametrize("more", [(), ("msgfusion_ct",)])
def test_msgfusion_with_the_projects_criterion(bundle, more):
    parser = read(bundle, "train", "msgfusion", *more, "train_quality", "msgfusion_quality")
    network = parser.get_parsed_content("network_def").train()
    assert bool(network.vprime_of_ct) == bool(more)
    sources = torch.rand(2, 2, 48, 48)
    sources.tasks = ["pet-mri", "ct-mri"]
    pred = network(sources)
    assert pred.shape == (2, 1, 48, 48)
    loss = parser.get_parsed_content("loss")
    assert torch.isfinite(loss(pred, sources))
    black = torch.zeros(1, 2, 48, 48)
    black.tasks = ["pet-mri"]
    veiled, clear = (float(loss(torch.full((1, 1, 48, 48), v), black)) for v in (0.15, 0.0))
    assert veiled > clear + 1  # a grey veil over black costs something


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_an_ablation_changes_its_option_alone(bundle, name):
    model = name.partition("_")[0]
    plain = read(bundle, "train", model)
    ablation = read(bundle, "train", model, f"ablations/{name}")
    changed = {key for key in plain.config if plain.config[key] != ablation.config[key]}
    assert changed == {"network_def"}
    assert ablation["network_def"] == {**plain["network_def"], **OPTIONS[name]}
    ablation.get_parsed_content("network_def")


def test_every_ablation_is_listed(bundle):
    files = (bundle / "configs" / "ablations").glob("*.yaml")
    assert {p.stem for p in files if p.stem.startswith(("cminet", "msgfusion"))} == set(OPTIONS)
