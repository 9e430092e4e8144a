"""What is drawn depends on the seed and the number of the draw alone."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader
from monai.transforms import Compose, RandFlipd, RandSpatialCropd, ToTensord

from mactfusion.engine import Draws, DrawSampler, SeedSteps


def make_draws(count=5, seed=1):
    items = [{"image": torch.arange(256.0).reshape(1, 16, 16) + 1000 * n} for n in range(count)]
    transform = Compose(
        [
            RandSpatialCropd("image", (4, 4), random_size=False),
            RandFlipd("image", prob=0.5, spatial_axis=0),
            ToTensord("image", track_meta=False),
        ]
    )
    return Draws(items, transform, seed=seed, num_workers=0, progress=False)


def item_of(draw):
    return int(draw["image"][0, 0, 0] // 1000)


def test_a_draw_is_the_same_whatever_was_drawn_before():
    forward, backward = make_draws(), make_draws()
    first = [forward[n]["image"] for n in range(12)]
    second = [backward[n]["image"] for n in reversed(range(12))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_each_item_comes_once_a_turn_in_another_order():
    draws = make_draws(count=20)
    turns = [[item_of(draws[20 * turn + place]) for place in range(20)] for turn in range(3)]
    assert all(sorted(turn) == list(range(20)) for turn in turns)
    assert turns[0] != turns[1] != turns[2]


def test_the_same_item_is_cropped_otherwise_each_time():
    draws = make_draws(count=1)
    crops = {tuple(draws[n]["image"].flatten().tolist()) for n in range(20)}
    assert len(crops) > 15


def test_another_seed_draws_otherwise():
    a, b = make_draws(seed=1), make_draws(seed=2)
    assert any(not torch.equal(a[n]["image"], b[n]["image"]) for n in range(3))


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_nothing(workers):
    draws = make_draws()
    loader = DataLoader(draws, batch_sampler=DrawSampler(batch_size=3), num_workers=workers)
    batches = [batch["image"] for batch in itertools.islice(loader, 4)]
    alone = make_draws()
    expected = [torch.stack([alone[3 * n + k]["image"] for k in range(3)]) for n in range(4)]
    assert all(torch.equal(a, b) for a, b in zip(batches, expected, strict=True))


@pytest.mark.parametrize("step", [0, 3])
def test_processes_share_the_draws_of_one_with_their_batches_together(step):
    def draws_of(sampler):
        sampler.step = step
        return list(itertools.islice(iter(sampler), 4))

    parts = [draws_of(DrawSampler(2, rank=rank, world_size=3)) for rank in range(3)]
    together = [list(itertools.chain(*batches)) for batches in zip(*parts, strict=True)]
    assert together == draws_of(DrawSampler(6))
    assert together[0][0] == 6 * step


def trainer_of(seen, sampler, seed, steps=None):
    engine = Engine(lambda engine, batch: seen.append((batch, *numbers())))
    engine.state.iteration = 0
    SeedSteps(sampler, seed).attach(engine)
    if steps is not None:

        @engine.on(Events.STARTED)
        def resume(engine):
            engine.state.iteration, engine.state.epoch = steps, steps // 3

    return engine


def numbers():
    return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002


def test_steps_after_a_stop_see_what_they_would_have_seen():
    whole, rest, other = [], [], []
    trainer_of(whole, s := DrawSampler(2), seed=5).run(s, max_epochs=2, epoch_length=3)
    for _ in range(7):
        numbers()
    trainer_of(rest, s := DrawSampler(2), 5, steps=2).run(s, max_epochs=2, epoch_length=3)
    trainer_of(other, s := DrawSampler(2), seed=6).run(s, max_epochs=2, epoch_length=3)
    assert len(whole) == 6
    assert rest == whole[2:]
    assert all(a[1:] != b[1:] for a, b in zip(whole, other, strict=True))
    assert len({step[1:] for step in whole}) == 6


def test_processes_draw_other_random_numbers():
    seen = [[], []]
    for rank in range(2):
        sampler = DrawSampler(2, rank=rank, world_size=2)
        trainer_of(seen[rank], sampler, seed=5).run(sampler, max_epochs=1, epoch_length=2)
    assert all(a[1:] != b[1:] for a, b in zip(*seen, strict=True))
