"""Moved copies of pairs, and the loss that compares their results."""

from __future__ import annotations

import torch

from mactfusion.engine import ShiftConsistencyLoss, ShiftedPairs


def pairs_at(rows: int, columns: int) -> ShiftedPairs:
    """Movements that were drawn as given."""
    pairs = ShiftedPairs([0])
    pairs.last = (rows, columns)
    return pairs


def test_the_copy_is_moved_and_zeros_come_in() -> None:
    image = torch.arange(1.0, 49.0).view(1, 2, 4, 6)
    pairs = ShiftedPairs([-2])
    both, sources = pairs({"image": image})
    assert both is sources
    assert pairs.last == (-2, -2)
    assert torch.equal(both[:1], image)
    assert torch.equal(both[1:, :, :2, :4], image[..., 2:, 2:])
    assert both[1:, :, 2:].abs().sum() == 0
    assert both[1:, :, :, 4:].abs().sum() == 0


def test_every_movement_is_drawn() -> None:
    torch.manual_seed(0)
    pairs = ShiftedPairs([-4, 0, 8])
    drawn = set()
    for _ in range(100):
        pairs({"image": torch.zeros(1, 2, 16, 16)})
        drawn.add(pairs.last)
    assert len(drawn) == 9


def test_a_result_that_moves_along_costs_nothing() -> None:
    image = torch.rand(2, 1, 12, 12)
    moved = torch.zeros_like(image)
    moved[..., 3:, :-2] = image[..., :-3, 2:]
    loss = ShiftConsistencyLoss(pairs_at(3, -2))
    assert loss(torch.cat([image, moved]), torch.empty(0)) == 0


def test_a_result_that_stays_costs_its_difference() -> None:
    image = torch.zeros(1, 1, 8, 8)
    image[..., 2, 2] = 1.0
    loss = ShiftConsistencyLoss(pairs_at(4, 0))
    # The spot is missing at one place and too much at the other; the latter came in from outside.
    torch.testing.assert_close(
        loss(torch.cat([image, image]), torch.empty(0)), torch.tensor(1.0 / 32)
    )


def test_validation_has_no_copies() -> None:
    assert ShiftConsistencyLoss(pairs_at(4, 4))(torch.rand(1, 1, 8, 8), torch.empty(0)) == 0


def test_copies_that_were_moved_back_are_compared_where_they_lie() -> None:
    image = torch.rand(2, 1, 8, 8)
    loss = ShiftConsistencyLoss()
    assert loss(torch.cat([image, image]), torch.empty(0)) == 0
    both = torch.cat([image, image + 0.25])
    torch.testing.assert_close(loss(both, torch.empty(0)), torch.tensor(0.25))
