"""The direct path trains on what the rest of the network has seen of the whole slice."""

from __future__ import annotations

import pytest
import torch

from mactfusion.engine import AddSeend, prepare_seen_pair
from mactfusion.networks import MACTFusionPlus


@pytest.fixture
def plus() -> MACTFusionPlus:
    torch.manual_seed(0)
    plus = MACTFusionPlus()
    for parameter in plus.direct.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return plus


def test_what_was_seen_gives_the_same_result(plus: MACTFusionPlus) -> None:
    image = torch.rand(2, 48, 64)
    item = AddSeend(plus)({"image": image, "task": "ct-mri"})
    assert item["task"] == "ct-mri"
    assert item["image"] is image
    assert item["seen"].dtype == torch.float16
    batch = {
        "image": image[None],
        "seen": item["seen"][None],
        "task": [item["task"]],
    }
    inputs, sources, arguments, options = prepare_seen_pair(batch, "cpu")
    assert sources.tasks == ["ct-mri"]
    with torch.no_grad():
        expected = plus.eval()(image[None])
        actual = plus(inputs, *arguments, **options)
    torch.testing.assert_close(actual, expected, rtol=0, atol=2e-3)


def test_looking_changes_nothing_of_a_network_in_training(plus: MACTFusionPlus) -> None:
    before = {name: value.clone() for name, value in plus.state_dict().items()}
    plus.train()
    first = AddSeend(plus)({"image": torch.rand(2, 32, 32, generator=torch.manual_seed(1))})
    plus.train()
    again = AddSeend(plus)({"image": torch.rand(2, 32, 32, generator=torch.manual_seed(1))})
    assert torch.equal(first["seen"], again["seen"])
    for name, value in plus.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_with_what_was_seen_only_the_direct_path_has_a_gradient(plus: MACTFusionPlus) -> None:
    image = torch.rand(1, 2, 32, 32)
    seen = AddSeend(plus)({"image": image[0]})["seen"][None].float()
    plus.train()(image, seen).square().mean().backward()
    moved = {
        name.split(".")[0] for name, value in plus.named_parameters() if value.grad is not None
    }
    assert moved == {"direct"}
