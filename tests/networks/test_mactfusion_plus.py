"""The variant with a direct path: the published graph at half size, and inputs added to it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.mactfusion_plus import MACTFusionPlus


@pytest.fixture
def plus() -> MACTFusionPlus:
    torch.manual_seed(0)
    return MACTFusionPlus().eval()


def set_last_bias(plus: MACTFusionPlus, *values: float) -> None:
    """Set the direct path's weight of each input, and what it adds everywhere."""
    last = plus.direct.layers[-1]
    assert isinstance(last, torch.nn.Conv2d)
    assert isinstance(last.bias, torch.Tensor)
    with torch.no_grad():
        last.bias.copy_(torch.tensor(values))


def test_at_first_it_is_the_published_graph_on_the_halved_slice(plus: MACTFusionPlus) -> None:
    published = MACTFusion().eval()
    missing = published.load_state_dict(plus.state_dict(), strict=False)
    image = torch.rand(2, 2, 32, 48)
    with torch.no_grad():
        halved = published(functional.avg_pool2d(image, 2))
        expected = functional.interpolate(halved, scale_factor=2, mode="bilinear")
        torch.testing.assert_close(plus(image), expected)
    assert not missing.missing_keys
    assert all(key.startswith("direct.") for key in missing.unexpected_keys)


def test_the_direct_path_adds_weighted_inputs(plus: MACTFusionPlus) -> None:
    image = torch.rand(1, 2, 21, 34)
    with torch.no_grad():
        before = plus(image)
        set_last_bias(plus, 0.75, -0.5, 0.125)
        added = plus(image) - before
    expected = 0.75 * image[:, :1] - 0.5 * image[:, 1:] + 0.125
    torch.testing.assert_close(added, expected, rtol=0, atol=1e-5)


def test_a_single_pixel_reaches_the_result_at_its_place(plus: MACTFusionPlus) -> None:
    """Nothing of the direct path is halved: a pixel of one input changes that pixel most."""
    set_last_bias(plus, 1.0, 1.0, 0.0)
    with torch.no_grad():
        image = torch.rand(1, 2, 32, 48) / 2
        brighter = image.clone()
        brighter[0, 1, 13, 29] += 0.5
        change = (plus(brighter) - plus(image)).abs()[0, 0]
    assert divmod(int(change.argmax()), 48) == (13, 29)


def test_both_parts_train(plus: MACTFusionPlus) -> None:
    plus.train()
    plus(torch.rand(1, 2, 32, 32)).square().mean().backward()
    last = plus.direct.layers[-1].weight.grad
    published = plus.reconstruction.layers[-1].weight.grad
    assert isinstance(last, torch.Tensor)
    assert isinstance(published, torch.Tensor)
    assert last.abs().amax(dim=(1, 2, 3)).gt(0).all()
    assert published.abs().max() > 0
