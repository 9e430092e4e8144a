"""Exponential moving average of the weights: what is validated and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ignite.engine import Engine, Events
from torch.optim.swa_utils import AveragedModel

if TYPE_CHECKING:
    from torch import Tensor, nn


class AveragedNetwork(AveragedModel):
    """A copy of a network whose weights follow those in training with a delay.

    After each step ``average ← d·average + (1 − d)·weights`` with
    ``d = min(decay, (1 + n) / (10 + n))`` after ``n`` steps, so that a short training is not an
    average of its first steps. The running statistics of batch normalisation are those of the
    network in training.

    Args:
        network: it is copied, not changed.
        decay: 0 (no average: a copy of the weights) to less than 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"the decay of the averaged weights is {decay}, not in [0, 1).")

        def follow(average: Tensor, weights: Tensor, steps: Tensor | int) -> Tensor:
            delay = min(decay, (1 + int(steps)) / (10 + int(steps)))
            return average.lerp(weights, 1 - delay)

        super().__init__(network, avg_fn=follow)


class FollowTraining:
    """Move the average after each step of a trainer."""

    def __init__(self, averaged: AveragedNetwork, network: nn.Module) -> None:
        self.averaged = averaged
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Follow ``engine``."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, _: Engine) -> None:
        """Follow one step."""
        self.averaged.update_parameters(self.network)
