"""Strip by strip the result is that of the whole."""

from __future__ import annotations

import pytest
import torch

from mactfusion.networks.attention import as_grids, as_windows, from_grids, from_windows
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.strips import in_strips, split_into_strips


@pytest.fixture
def short_strips(monkeypatch):
    """A strip is no longer than it must be."""
    monkeypatch.setattr("mactfusion.networks.strips.VALUES_PER_THREAD", 1)


@pytest.mark.usefixtures("short_strips")
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_equals_the_whole(grad, order):
    one, two = (torch.rand(2, 3, 7, 5).contiguous(memory_format=order) for _ in range(2))
    calls = []

    def function(one, two):
        calls.append(one.shape)
        return one * two

    with torch.set_grad_enabled(grad):
        result = in_strips(function, one, two)
        assert torch.equal(result, one * two)
    assert calls == [(2, 3, 1, 5)] * 7
    if order == torch.channels_last:
        assert result.is_contiguous(memory_format=order)


@pytest.mark.usefixtures("short_strips")
def test_gradients_are_those_of_the_whole():
    features = torch.rand(1, 3, 8, 8, requires_grad=True)
    in_strips(lambda part: part.square(), features).sum().backward()
    assert torch.equal(features.grad, 2 * features.detach())


@pytest.mark.usefixtures("short_strips")
def test_the_type_is_that_of_the_result():
    with torch.no_grad():
        assert in_strips(torch.Tensor.half, torch.rand(1, 3, 8, 8)).dtype == torch.float16


def test_few_rows_are_one_strip():
    features = torch.rand(1, 3, 8, 8)
    assert [strip.shape for strip in split_into_strips(features)] == [features.shape]


@pytest.mark.parametrize(("cut", "join"), [(as_windows, from_windows), (as_grids, from_grids)])
def test_groups_come_back_as_the_image(cut, join):
    image = torch.rand(2, 3, 16, 24)
    groups = cut(image)
    assert groups.shape == (2, 2, 3, 8, 8, 3)
    assert groups.data_ptr() == image.data_ptr()
    assert torch.equal(join(groups), image)
    assert torch.equal(join(groups.contiguous()), image)


def test_a_window_is_neighbours_and_a_grid_is_apart():
    image = torch.arange(16 * 24).view(1, 1, 16, 24)
    assert torch.equal(as_windows(image)[0, 1, 2, ..., 0], image[0, 0, 8:16, 16:24])
    assert torch.equal(as_grids(image)[0, 1, 2, ..., 0], image[0, 0, 1::2, 2::3])


@pytest.mark.parametrize("size", [(48, 64), (40, 24), (9, 11)])
@pytest.mark.parametrize("training", [False, True])
def test_the_published_graph_is_the_same_in_strips(size, training, monkeypatch):
    torch.manual_seed(0)
    network = MACTFusion().train(training)
    image = torch.rand(2, 2, *size)
    with torch.no_grad():
        whole = network(image)
        monkeypatch.setattr("mactfusion.networks.strips.VALUES_PER_THREAD", 1)
        assert (network(image) - whole).abs().max() < 1e-5 * whole.abs().max()
