from __future__ import annotations

import pytest
import torch

from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from training.benchmarks.naive_mactfusion import NaiveMACTFusion
from training.benchmarks.networks import PLAIN, cpu_seconds, networks, networks_table
from training.benchmarks.throughput import fit_line


@pytest.mark.parametrize("size", [(32, 48), (64, 16)])
def test_the_naive_network_gives_the_librarys_output(size):
    torch.manual_seed(0)
    network = MACTFusion().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        image = torch.rand(1, 2, *size)
        expected = network(image)
        result = NaiveMACTFusion(network.state_dict())(image)
    assert result.shape == expected.shape
    assert (result - expected).abs().max() < 1e-5 * (1 + expected.abs().max())


def test_a_straight_line_is_recognised():
    growth = fit_line([10, 20, 40], [7.0, 12.0, 22.0])
    assert growth.seconds_per_slice == pytest.approx(0.5)
    assert growth.r_squared == pytest.approx(1)
    assert fit_line([10, 20, 40], [1.0, 4.0, 16.0]).r_squared < 0.99


def test_every_network_has_its_turns_and_the_ratio_is_to_the_default():
    runs = {f"`{name}`": [] for name in (DEFAULT_MODEL, "other")}
    order = []
    counted = {name: lambda image, name=name: order.append((name, image.shape)) for name in runs}
    seconds = cpu_seconds(counted, torch.rand(1, 2, 16, 24), repeats=2)
    assert order == [(name, (1, 2, 16, 24)) for _ in range(3) for name in runs]
    assert set(seconds) == set(runs)
    table = networks_table({"`slow`": 0.5, f"`{DEFAULT_MODEL}`": 0.025})
    assert table.splitlines()[2:] == [
        f"| `{DEFAULT_MODEL}` | 25.0 ms | 1.0 |",
        "| `slow` | 500.0 ms | 20.0 |",
    ]


def test_the_networks_that_are_timed_are_those_of_the_registry():
    assert set(networks()) == {*(f"`{name}`" for name in MODELS), PLAIN}
