"""Checkpoints: whole or not at all, and going on from them is not to be seen in the weights."""

from __future__ import annotations

import errno
import logging
import math

import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import LrScheduleHandler
from monai.optimizers import WarmupCosineSchedule
from torch import nn

from mactfusion.engine import Checkpoints, read_checkpoint
from mactfusion.engine.checkpoint import BEFORE, NEWEST
from mactfusion.errors import InputError

EPOCH_LENGTH = 4


class Stop(Exception):
    pass


def train(folder, *, minutes=10.0, epochs=3, stop_at=None, width=3):
    """Weights and learning rates of a small training in which each step differs."""
    torch.manual_seed(0)
    network = nn.Linear(width, 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    schedule = WarmupCosineSchedule(optimizer, warmup_steps=2, t_total=12)
    rates = []

    def step(engine, _):
        generator = torch.Generator().manual_seed(engine.state.iteration)
        optimizer.zero_grad()
        network(torch.rand(4, width, generator=generator)).square().mean().backward()
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])

    engine = Engine(step)
    LrScheduleHandler(schedule, print_lr=False, epoch_level=False).attach(engine)
    if stop_at:

        @engine.on(Events.ITERATION_COMPLETED(once=stop_at))
        def stop():
            raise Stop

    state = {"network": network, "optimizer": optimizer}
    Checkpoints(folder, state, schedule, minutes).attach(engine)
    engine.logger.setLevel(logging.CRITICAL)
    engine.run(range(100), max_epochs=epochs, epoch_length=EPOCH_LENGTH)
    return network.state_dict(), rates


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize(
    ("minutes", "stop_at", "lost"),
    [
        (10.0, 3, 3),  # before the first checkpoint
        (10.0, 5, 1),  # from the end of an epoch
        (10.0, 8, 4),  # the last step of an epoch, before its end
        (0.0, 7, 1),  # from inside an epoch
        (0.0, 8, 1),
    ],
)
def test_going_on_gives_the_same_weights(tmp_path, minutes, stop_at, lost):
    expected, rates = train(tmp_path / "whole")
    with pytest.raises(Stop):
        train(tmp_path / "parts", minutes=minutes, stop_at=stop_at)
    weights, rest = train(tmp_path / "parts", minutes=minutes)
    assert same(weights, expected)
    assert len(rest) == 12 - stop_at + lost
    assert rest == rates[-len(rest) :]


def test_a_finished_training_is_left_alone(tmp_path):
    weights, _ = train(tmp_path)
    again, rates = train(tmp_path)
    assert same(weights, again)
    assert rates == []


def test_inside_an_epoch_time_decides(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Checkpoints, "save", lambda _, engine: saved.append(engine.state.iteration))
    train(tmp_path, minutes=10.0)
    assert saved == [4, 8, 12]
    saved.clear()
    train(tmp_path, minutes=0.0)  # never twice at the end of an epoch
    assert saved == list(range(1, 13))


def test_two_checkpoints_are_kept_and_hold_tensors_only(tmp_path):
    train(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([NEWEST, BEFORE])
    assert torch.load(tmp_path / NEWEST, weights_only=True)["iteration"] == 12
    assert torch.load(tmp_path / BEFORE, weights_only=True)["iteration"] == 8


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "gone"])
def test_a_damaged_newest_falls_back_to_the_one_before(tmp_path, damage, caplog):
    expected, _ = train(tmp_path / "whole")
    with pytest.raises(Stop):
        train(tmp_path / "parts", stop_at=11)
    newest = tmp_path / "parts" / NEWEST
    content = newest.read_bytes()
    if damage == "cut":
        newest.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        weights = read_checkpoint(newest)["network"]["weight"].numpy().tobytes()
        newest.write_bytes(content.replace(weights, weights[::-1]))
    elif damage == "foreign":
        torch.save({"weight": torch.zeros(1)}, newest)
    else:
        newest.unlink()
    weights, rates = train(tmp_path / "parts")
    assert same(weights, expected)
    assert len(rates) == 8
    assert (str(newest) in caplog.text) == (damage != "gone")


def test_only_damaged_checkpoints_are_one_sentence(tmp_path):
    train(tmp_path)
    for name in (NEWEST, BEFORE):
        (tmp_path / name).write_bytes(b"PK not a checkpoint")
    with pytest.raises(InputError, match=f"No checkpoint in {tmp_path} is readable"):
        train(tmp_path)


def test_a_checkpoint_of_another_network_is_one_sentence(tmp_path):
    train(tmp_path, epochs=1)
    with pytest.raises(InputError, match="belongs to another network"):
        train(tmp_path, width=5)


def test_nothing_but_tensors_is_loaded(tmp_path):
    torch.save({"iteration": 1, "network": print}, tmp_path / NEWEST)
    with pytest.raises(InputError, match="damaged or no checkpoint"):
        read_checkpoint(tmp_path / NEWEST)


def test_a_full_disk_keeps_the_newest(tmp_path, monkeypatch):
    train(tmp_path, epochs=2)
    before = (tmp_path / NEWEST).read_bytes()
    write = torch.save

    def full(content, path):
        write(content, path)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(InputError, match="cannot be written: the disk is full"):
            train(tmp_path)
    assert (tmp_path / NEWEST).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([NEWEST, BEFORE])
    expected, _ = train(tmp_path / "whole")
    assert same(train(tmp_path)[0], expected)


def test_a_longer_training_takes_its_own_schedule(tmp_path):
    """The learning rate is that of the step, whatever the checkpoint was trained with."""
    train(tmp_path, epochs=1)
    _, rates = train(tmp_path)
    cosine = [0.05 * (1 + math.cos(math.pi * (step - 2) / 10)) for step in range(4, 12)]
    assert rates == pytest.approx(cosine)
