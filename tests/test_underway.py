"""Slices count as done when the device is through with them, and not before."""

from __future__ import annotations

import pytest
import torch

from mactfusion.errors import FusionCancelled
from mactfusion.underway import MOST_UNDERWAY, Underway, event_maker


class Device:
    """Has a queue, of which it is through with a part."""

    def __init__(self):
        self.given = 0
        self.through = 0
        self.waits = 0

    def mark(self):
        self.given += 1
        return Place(self, self.given)


class Place:
    def __init__(self, device, number):
        self.device = device
        self.number = number

    def query(self):
        return self.device.through >= self.number

    def synchronize(self):
        self.device.waits += not self.query()
        self.device.through = max(self.device.through, self.number)


def test_without_a_queue_a_batch_is_done_when_the_call_returns():
    said = []
    underway = Underway(None, said.append)
    underway.add(2)
    assert said == [2]
    underway.finish()
    assert said == [2]


def test_what_the_device_still_works_on_does_not_count():
    device, said = Device(), []
    underway = Underway(device.mark, said.append)
    underway.add(4)
    underway.add(8)
    assert said == []
    assert device.waits == 0
    device.through = 2
    underway.add(12)
    assert said == [4, 8]
    underway.finish()
    assert said == [4, 8, 12]


def test_no_more_than_a_few_batches_are_under_way():
    device, said = Device(), []
    underway = Underway(device.mark, said.append)
    for done in range(1, 8):
        underway.add(done)
        assert device.given - device.through <= MOST_UNDERWAY
    assert said == list(range(1, 8 - MOST_UNDERWAY))


def test_a_cancel_is_heard_while_others_are_under_way():
    device = Device()

    def cancel(_):
        raise FusionCancelled

    underway = Underway(device.mark, cancel)
    for done in range(1, MOST_UNDERWAY + 1):
        underway.add(done)
    with pytest.raises(FusionCancelled):
        underway.add(MOST_UNDERWAY + 1)


def test_a_cpu_has_no_queue():
    assert event_maker(torch.device("cpu")) is None
