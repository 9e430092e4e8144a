"""How far a training is, on the screen."""

from __future__ import annotations

from ignite.engine import Engine, Events
from tqdm import tqdm


class PairProgress:
    """One bar for the whole training: pairs done, pairs a second, time left.

    Args:
        pairs_per_step: of all processes together.
    """

    def __init__(self, pairs_per_step: int) -> None:
        self.pairs_per_step = pairs_per_step
        self._bar: tqdm | None = None

    def attach(self, engine: Engine) -> None:
        """Follow ``engine`` from its first step of a run to its end."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._advance)
        engine.add_event_handler(Events.COMPLETED, self._close)

    def _start(self, engine: Engine) -> None:
        state = engine.state
        if self._bar is None:
            self._bar = tqdm(
                desc="training",
                unit="pair",
                total=(state.max_epochs or 1) * (state.epoch_length or 1) * self.pairs_per_step,
                initial=state.iteration * self.pairs_per_step,
                dynamic_ncols=True,
            )
        self._bar.set_postfix_str(f"epoch {state.epoch} of {state.max_epochs}", refresh=False)

    def _advance(self, _: Engine) -> None:
        if self._bar is not None:
            self._bar.update(self.pairs_per_step)

    def _close(self, _: Engine) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None
