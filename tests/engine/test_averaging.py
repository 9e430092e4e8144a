"""The moving average of the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mactfusion.engine import AveragedNetwork


def moved(network, value):
    with torch.no_grad():
        network.weight.fill_(value)
        network.running_mean.fill_(value)
    return network


@pytest.mark.parametrize("decay", [0.0, 0.15, 0.9])
def test_average_follows_the_formula(decay):
    network = nn.BatchNorm2d(1)
    averaged = AveragedNetwork(network, decay)
    averaged.update_parameters(moved(network, 2.0))
    expected = 2.0
    for step, value in enumerate((4.0, -1.0, 3.0, 8.0), start=1):
        averaged.update_parameters(moved(network, value))
        delay = min(decay, (1 + step) / (10 + step))
        expected = delay * expected + (1 - delay) * value
        assert float(averaged.module.weight.detach()) == pytest.approx(expected)
    assert float(averaged.module.running_mean) == 8.0
    if decay == 0:
        assert torch.equal(averaged.module.weight, network.weight)


def test_average_goes_on_from_its_state():
    network = nn.BatchNorm2d(1)
    whole = AveragedNetwork(network, 0.9)
    for value in (1.0, 2.0):
        whole.update_parameters(moved(network, value))
    rest = AveragedNetwork(nn.BatchNorm2d(1), 0.9)
    rest.load_state_dict(whole.state_dict())
    for averaged in (whole, rest):
        averaged.update_parameters(moved(network, 5.0))
    assert torch.equal(whole.module.weight, rest.module.weight)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_impossible_decay_is_refused(decay):
    with pytest.raises(ValueError, match="decay"):
        AveragedNetwork(nn.Linear(1, 1), decay)
