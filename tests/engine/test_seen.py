"""The direct path trains on what the rest of the network has seen of the whole slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from ignite.engine import Engine

from mactfusion.engine import AddSeend, Checkpoints, prepare_seen_pair
from mactfusion.errors import InputError
from mactfusion.networks.mactfusion_plus import MACTFusionPlus

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize("shift", [4, 7])
def test_what_was_seen_while_moved_lies_where_the_pair_lies(
    plus: MACTFusionPlus, shift: int
) -> None:
    image = torch.rand(2, 64, 64)
    item = AddSeend(plus, shifts=[shift])({"image": image})
    moved = AddSeend(plus)({"image": image.roll((shift, shift), (-2, -1))})["seen"]
    torch.testing.assert_close(item["seen_moved"], moved.roll((-shift, -shift), (-2, -1)))
    assert not torch.equal(item["seen_moved"], item["seen"])


def test_pairs_move_in_different_ways_and_each_always_in_the_same(plus: MACTFusionPlus) -> None:
    images = torch.rand(6, 2, 32, 32, generator=torch.manual_seed(0))
    add = AddSeend(plus, shifts=[-1, 0, 2])
    found = [
        next(
            (rows, columns)
            for rows in add.shifts
            for columns in add.shifts
            if torch.equal(
                AddSeend(plus)({"image": image.roll((rows, columns), (-2, -1))})["seen"],
                add({"image": image})["seen_moved"].roll((rows, columns), (-2, -1)),
            )
        )
        for image in images
    ]
    assert len(set(found)) > 2


def test_a_batch_stands_twice_where_its_pairs_moved(plus: MACTFusionPlus) -> None:
    image = torch.rand(2, 32, 32)
    item = AddSeend(plus, shifts=[4])({"image": image})
    batch = {name: value[None] for name, value in item.items()} | {"task": ["ct-mri"]}
    inputs, sources, (seen,), _ = prepare_seen_pair(batch, "cpu")
    assert sources.tasks == ["ct-mri", "ct-mri"]
    assert torch.equal(inputs[0], inputs[1])
    assert torch.equal(seen[0], item["seen"].float())
    assert torch.equal(seen[1], item["seen_moved"].float())


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


@pytest.mark.parametrize("size", [(72, 72), (50, 66), (125, 64)])
def test_any_size(plus: MACTFusionPlus, size: tuple[int, int]) -> None:
    image = torch.rand(2, *size)
    seen = AddSeend(plus)({"image": image})["seen"]
    assert seen.shape == (33, *size)
    with torch.no_grad():
        expected = plus.eval()(image[None])
        actual = plus(image[None], seen[None].float())
    torch.testing.assert_close(actual, expected, rtol=0, atol=2e-3)


def test_going_on_from_other_weights_is_refused(plus: MACTFusionPlus, tmp_path: Path) -> None:
    def checkpoints(network: MACTFusionPlus) -> Checkpoints:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
        return Checkpoints(tmp_path, {"network": network, "seen": AddSeend(network)}, scheduler)

    engine = Engine(lambda *_: None)
    checkpoints(plus).save(engine)
    same = MACTFusionPlus()
    same.load_state_dict(plus.state_dict())
    torch.nn.init.zeros_(same.direct.layers[0].bias)  # what moves may differ
    checkpoints(same).resume(engine)
    with pytest.raises(InputError, match="began with other weights; give the same --weights"):
        checkpoints(MACTFusionPlus()).resume(engine)
