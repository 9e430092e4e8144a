from __future__ import annotations

import pytest
import torch

from mactfusion.networks.mactfusion import MACTFusion
from training.benchmarks.naive_mactfusion import NaiveMACTFusion
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
