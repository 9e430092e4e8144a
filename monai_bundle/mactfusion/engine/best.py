"""The best validation so far: remembered across a resume, its weights on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ignite.engine import Engine, Events

from mactfusion.weights import save_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.engines import Evaluator
    from torch import nn


class BestMetric:
    """The best validation so far, as a part of the checkpoint.

    An evaluator forgets its best metric when training resumes, and would take the first validation
    after that for the best.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def state_dict(self) -> dict[str, float | int]:
        """Best value and its epoch."""
        state: Any = self.evaluator.state
        return {"best_metric": float(state.best_metric), "epoch": int(state.best_metric_epoch)}

    def load_state_dict(self, state: Mapping[str, float | int]) -> None:
        """Put the best value and its epoch back."""
        own: Any = self.evaluator.state
        own.best_metric = state["best_metric"]
        own.best_metric_epoch = state["epoch"]


class SaveBest:
    """Write the weights after each validation that beats all before it.

    It asks the evaluator, whose best metric a resume restores (:class:`BestMetric`). MONAI's
    CheckpointSaver keeps a list of its own, which starts empty: the first validation after a
    resume would overwrite better weights.
    """

    def __init__(self, network: nn.Module, path: str | Path) -> None:
        self.network = network
        self.path = Path(path)

    def attach(self, engine: Engine) -> None:
        """Look at the end of each run of an evaluator, after its metrics."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write now if this was the best."""
        state: Any = engine.state
        if state.best_metric_epoch == state.epoch:
            save_state(self.network.state_dict(), self.path)
