"""The variant with a direct path: it starts as the published graph and learns from there."""

from __future__ import annotations

import torch

from mactfusion.networks import MACTFusion, MACTFusionPlus


def test_weights_of_the_published_graph_give_its_result() -> None:
    torch.manual_seed(0)
    published, plus = MACTFusion().eval(), MACTFusionPlus().eval()
    missing = plus.load_state_dict(published.state_dict(), strict=False)
    image = torch.rand(2, 2, 21, 34)
    with torch.no_grad():
        assert torch.equal(plus(image), published(image))
    assert missing.missing_keys == ["mixing.weight", "mixing.bias"]
    assert not missing.unexpected_keys


def test_the_direct_path_adds_weighted_inputs() -> None:
    torch.manual_seed(0)
    plus = MACTFusionPlus().eval()
    image = torch.rand(1, 2, 16, 24)
    with torch.no_grad():
        before = plus(image)
        plus.mixing.bias.copy_(torch.tensor([0.75, -0.5]))
        added = plus(image) - before
    expected = 0.75 * image[:, :1] - 0.5 * image[:, 1:]
    torch.testing.assert_close(added, expected, rtol=0, atol=1e-5)


def test_the_direct_path_trains() -> None:
    torch.manual_seed(0)
    plus = MACTFusionPlus().train()
    plus(torch.rand(1, 2, 16, 16)).square().mean().backward()
    gradient = plus.mixing.weight.grad
    assert gradient is not None
    assert gradient.abs().amax(dim=(1, 2, 3)).gt(0).all()
