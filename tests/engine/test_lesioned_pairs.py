"""Copies of pairs with lesions in one source, and the loss that asks for them in the result."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.engine import LesionContrastLoss, LesionedPairs, RandLesionsd
from mactfusion.errors import InputError


@pytest.fixture
def pair() -> torch.Tensor:
    """A grey head in the middle of nothing: both sources alike."""
    image = torch.zeros(2, 96, 96)
    image[:, 10:86, 10:86] = 0.5
    return image


def drawn(pair: torch.Tensor, seed: int = 0, count: int = 6) -> dict:
    transform = RandLesionsd(count)
    transform.set_random_state(seed=seed)
    return transform({"image": pair, "task": "ct-mri"})


def batch_of(*items: dict) -> dict:
    keys = ("image", "lesioned", "share", "ring", "change")
    stacked = {key: torch.stack([item[key] for item in items]) for key in keys}
    return {**stacked, "task": [item["task"] for item in items]}


def loss_of(fuse, *items: dict, least: float = 0.6) -> torch.Tensor:
    pairs = LesionedPairs()
    loss = LesionContrastLoss(pairs, least)
    both, sources = pairs(batch_of(*items))
    return loss(fuse(both), sources)


def test_lesions_lie_in_one_source_of_the_copy(pair: torch.Tensor) -> None:
    before = pair.clone()
    sources = set()
    for seed in range(12):
        item = drawn(pair, seed)
        assert torch.equal(item["image"], before)
        changed = (item["lesioned"] != pair).flatten(1).any(dim=1)
        assert changed.sum() == 1
        sources.add(int(changed.nonzero()))
        covered = item["share"].amax(dim=0) > 0
        outside = (item["lesioned"] != pair).any(dim=0) & ~covered
        assert not outside.any()
        assert 0 <= item["lesioned"].min() <= item["lesioned"].max() <= 1
    assert sources == {0, 1}


def test_no_lesion_lies_in_another_or_in_its_ring(pair: torch.Tensor) -> None:
    for seed in range(12):
        item = drawn(pair, seed)
        shown = item["change"] != 0
        assert shown.sum() >= 3
        reach = ((item["share"] > 0) | (item["ring"] > 0))[shown]
        assert reach.sum(dim=0).max() == 1


def test_where_there_is_no_room_there_are_fewer() -> None:
    image = torch.zeros(2, 96, 96)
    image[0, 40:44, 50:54] = 1
    item = drawn(image, count=5)
    assert (item["change"] != 0).sum() == 1
    assert item["share"].shape == (5, 96, 96)
    assert not drawn(torch.zeros(2, 96, 96))["change"].any()


def test_draws_repeat_themselves(pair: torch.Tensor) -> None:
    assert torch.equal(drawn(pair, 3)["lesioned"], drawn(pair, 3)["lesioned"])
    assert not torch.equal(drawn(pair, 3)["lesioned"], drawn(pair, 4)["lesioned"])


def test_a_batch_stands_before_its_copies(pair: torch.Tensor) -> None:
    items = [drawn(pair, 1), drawn(pair, 2)]
    pairs = LesionedPairs()
    LesionContrastLoss(pairs, least=0.6)
    both, sources = pairs(batch_of(*items))
    assert both is sources
    assert both.tasks == ["ct-mri"] * 4
    assert torch.equal(both[:2], torch.stack([pair, pair]))
    assert torch.equal(both[3], items[1]["lesioned"])


def test_a_result_with_all_of_a_lesion_costs_nothing(pair: torch.Tensor) -> None:
    total = loss_of(lambda image: image.sum(dim=1, keepdim=True) - 0.5, drawn(pair), drawn(pair, 1))
    assert total < 1e-6


@pytest.mark.parametrize(("share", "cost"), [(0.0, 0.6), (0.2, 0.4), (0.7, 0.0)])
def test_a_result_with_less_costs_what_is_missing(
    pair: torch.Tensor, share: float, cost: float
) -> None:
    def fuse(image: torch.Tensor) -> torch.Tensor:
        return 0.25 + share * (image.sum(dim=1, keepdim=True) - 0.75)

    assert float(loss_of(fuse, drawn(pair), drawn(pair, 5))) == pytest.approx(cost, abs=1e-3)


def test_brightness_that_a_viewer_does_not_see_hardly_counts(pair: torch.Tensor) -> None:
    def bright(image: torch.Tensor) -> torch.Tensor:
        return image.sum(dim=1, keepdim=True) + 1

    assert float(loss_of(bright, drawn(pair))) == pytest.approx(0.5, abs=0.01)


def test_the_gradient_is_finite_where_there_was_no_room(pair: torch.Tensor) -> None:
    image = torch.zeros(2, 96, 96)
    weight = torch.tensor(0.1, requires_grad=True)
    total = loss_of(lambda x: weight * x.sum(dim=1, keepdim=True), drawn(pair), drawn(image))
    total.backward()
    assert weight.grad is not None
    assert torch.isfinite(weight.grad)
    assert weight.grad < 0
    assert loss_of(lambda x: x.sum(dim=1, keepdim=True), drawn(image)) == 0


def test_validation_has_no_copies() -> None:
    loss = LesionContrastLoss(LesionedPairs(), least=0.6)
    assert loss(torch.rand(1, 1, 8, 8), torch.rand(1, 2, 8, 8)) == 0
    with pytest.raises(ValueError, match="needs LesionedPairs"):
        loss(torch.rand(2, 1, 8, 8), torch.rand(2, 2, 8, 8))


def test_it_takes_arrays(pair: torch.Tensor) -> None:
    transform = RandLesionsd()
    transform.set_random_state(seed=0)
    assert transform({"image": np.asarray(pair)})["lesioned"].shape == (2, 96, 96)


def test_lesions_that_nobody_looks_at_are_refused(pair: torch.Tensor) -> None:
    with pytest.raises(InputError, match="no term of the criterion looks at them"):
        LesionedPairs()(batch_of(drawn(pair)))
