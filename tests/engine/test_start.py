"""Weights to start a training from: they fit, or one sentence says why not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mactfusion.engine import start_from
from mactfusion.errors import InputError
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.mactfusion_plus import MACTFusionPlus
from mactfusion.weights import save_state


class Small(nn.Module):
    def __init__(self, width=2):
        super().__init__()
        self.first = nn.Linear(width, 1)


class SmallPlus(Small):
    def __init__(self):
        super().__init__()
        self.direct = nn.Linear(2, 1)


def test_without_a_file_nothing_changes():
    network = Small()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert start_from(network, None) is network
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)


@pytest.mark.parametrize("wrapped", [False, True])
def test_own_weights_and_checkpoints_are_taken(tmp_path, wrapped):
    state = Small().state_dict()
    save_state({"network": state, "iteration": 3} if wrapped else state, tmp_path / "model.pt")
    network = start_from(Small(), tmp_path / "model.pt")
    assert all(torch.equal(network.state_dict()[name], state[name]) for name in state)


def test_weights_of_the_published_graph_start_the_variant(tmp_path):
    torch.manual_seed(0)
    published = MACTFusion().eval()
    save_state(published.state_dict(), tmp_path / "model.pt")
    variant = start_from(MACTFusionPlus(), tmp_path / "model.pt").eval()
    state = variant.state_dict()
    assert all(torch.equal(state[name], own) for name, own in published.state_dict().items())


@pytest.mark.parametrize(
    ("stored", "network", "tensor"),
    [
        (SmallPlus(), Small(), "direct.bias"),
        (Small(width=3), Small(), "first.weight"),
        (nn.Linear(2, 1), Small(), "bias"),
        (nn.Module(), Small(), "first.bias"),
        (nn.Module(), SmallPlus(), "first.bias"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path, stored, network, tensor):
    save_state(stored.state_dict(), tmp_path / "model.pt")
    expected = f"model.pt does not fit {type(network).__name__}: tensor '{tensor}' is missing"
    with pytest.raises(InputError, match=expected):
        start_from(network, tmp_path / "model.pt")


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_a_foreign_or_missing_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "model.pt"
    with pytest.raises(InputError, match="does not exist"):
        start_from(Small(), path)
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not a readable PyTorch weight file"):
        start_from(Small(), path)
