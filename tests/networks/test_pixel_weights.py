"""The project's own network: a weighted sum of its sources, the same wherever they lie."""

from __future__ import annotations

import pytest
import torch

from mactfusion.metrics.shift_consistency import shift_consistency
from mactfusion.networks.pixel_weights import PixelWeights

REACH = 24
"""Pixels that a pixel sees on each side."""


@pytest.fixture
def network() -> PixelWeights:
    """Every weight in play."""
    torch.manual_seed(0)
    network = PixelWeights().eval()
    torch.nn.init.normal_(network.last.weight, std=0.05)
    return network


def test_at_first_it_is_a_plain_sum() -> None:
    image = torch.rand(2, 2, 19, 30)
    with torch.no_grad():
        fused = PixelWeights().eval()(image)
    torch.testing.assert_close(fused, 0.7 * image.sum(dim=1, keepdim=True))


def test_the_result_is_the_sources_times_their_weights(network: PixelWeights) -> None:
    image = torch.rand(2, 2, 21, 34)
    with torch.no_grad():
        weights = network.weights(image)
        fused = network(image)
    assert weights.shape == image.shape
    assert weights.std() > 0.01
    expected = weights[:, :1] * image[:, :1] + weights[:, 1:] * image[:, 1:]
    torch.testing.assert_close(fused, expected)


def test_where_both_sources_are_black_the_result_is(network: PixelWeights) -> None:
    image = torch.rand(1, 2, 40, 40)
    image[..., 10:, :] = 0
    with torch.no_grad():
        assert not network(image)[..., 10:, :].any()


@pytest.mark.parametrize("shift", [1, 3, 4, 16])
def test_sources_that_move_give_the_same_result_moved(network: PixelWeights, shift: int) -> None:
    image = torch.zeros(1, 2, 128, 128)
    image[..., 40:80, 40:80] = torch.rand(1, 2, 40, 40)
    change = shift_consistency(network, image, shift)
    assert change.mean < 1e-6
    assert change.percentile_99 < 1e-6


def test_a_pixel_sees_its_surroundings_and_no_more(network: PixelWeights) -> None:
    image = torch.rand(1, 2, 70, 90)
    changed = image.clone()
    changed[0, 0, 35, 45] += 0.5
    with torch.no_grad():
        change = (network(changed) - network(image))[0, 0].abs()
    rows, columns = change.gt(1e-7).nonzero().T
    assert (35 - rows.min(), rows.max() - 35) == (REACH, REACH)
    assert (45 - columns.min(), columns.max() - 45) == (REACH, REACH)
    assert divmod(int(change.argmax()), 90) == (35, 45)
