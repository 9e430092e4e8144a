"""Random crops as a function of the seed and a number, so that no random state needs saving.

The n-th draw of a training is the same whether the training was stopped before it or not, in
whichever process it is made, and by however many workers.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.data import CacheDataset
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monai.transforms import Compose


def seed_of(*numbers: int) -> int:
    """Mix numbers into one 32-bit seed; neighbours give unrelated seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class Draws(CacheDataset):
    """Items drawn without end: each once in random order, then each once in another order.

    Args:
        data: the items.
        transform: deterministic transforms, whose result is cached, then random ones.
        seed: another seed draws otherwise.
        options: as :class:`monai.data.CacheDataset` takes them.
    """

    def __init__(self, data: Sequence[dict], transform: Compose, seed: int, **options: Any) -> None:
        self.seed = seed
        self._turn, self._order = -1, np.arange(0)
        super().__init__(data, transform, **options)

    def __getitem__(self, draw: int) -> Any:  # type: ignore[override]
        """Make draw number ``draw`` (0, 1, …; there is no last one)."""
        turn, place = divmod(draw, len(self))
        if turn != self._turn:
            self._turn = turn
            self._order = np.random.default_rng((self.seed, turn)).permutation(len(self))
        self.transform.set_random_state(seed=seed_of(self.seed, draw))
        return super().__getitem__(int(self._order[place]))


class DrawSampler(Sampler[list[int]]):
    """The draws of each training step, without end; of several processes, each takes its part.

    Together the processes draw what one process with ``batch_size * world_size`` would.

    Args:
        batch_size: draws a step and process.
        rank: which process this is.
        world_size: how many there are.
    """

    def __init__(self, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size
        self.step = 0

    def __iter__(self) -> Iterator[list[int]]:
        """Go on at ``step``."""
        for step in itertools.count(self.step):
            first = (step * self.world_size + self.rank) * self.batch_size
            yield list(range(first, first + self.batch_size))


class SeedSteps:
    """Let a trainer's random numbers and draws depend on the seed and the step alone.

    Args:
        sampler: is told where to go on, at the start of a run.
        seed: of the training.
    """

    def __init__(self, sampler: DrawSampler, seed: int) -> None:
        self.sampler = sampler
        self.seed = seed

    def attach(self, engine: Engine) -> None:
        """Seed each step of ``engine``."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._go_on)
        engine.add_event_handler(Events.ITERATION_STARTED, self._seed)

    def _go_on(self, engine: Engine) -> None:
        # The engine asks for an iterator once a run, after this event of its first epoch.
        self.sampler.step = engine.state.iteration

    def _seed(self, engine: Engine) -> None:
        seed = seed_of(self.seed, engine.state.iteration, self.sampler.rank)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # a term of a loss may use it
        torch.manual_seed(seed)
