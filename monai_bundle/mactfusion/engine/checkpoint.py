"""Checkpoints that a training goes on from as if it had never stopped."""

from __future__ import annotations

import logging
import time
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

from mactfusion.errors import InputError
from mactfusion.weights import save_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch.optim.lr_scheduler import LRScheduler

NEWEST, BEFORE = "checkpoint.pt", "checkpoint_before.pt"

logger = logging.getLogger(__name__)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint; nothing but tensors, numbers and text is ever loaded.

    Raises:
        InputError: it is damaged, or no checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            whole = parts.testzip() is None  # torch does not look at the checksums
        content = torch.load(path, map_location="cpu", weights_only=True) if whole else None
    except Exception as error:  # torch raises many kinds for a foreign or damaged file
        raise InputError(f"{path} is damaged or no checkpoint.") from error
    if not isinstance(content, dict) or not isinstance(content.get("iteration"), int):
        raise InputError(f"{path} is damaged or no checkpoint.")
    return content


class Checkpoints:
    """Save a training at the end of each epoch and every so many minutes; go on from there.

    All that is random depends on the seed and the number of the step (``engine.draws``), and so
    does the learning rate: beside ``state`` only that number is saved. Going on gives the same
    weights, bit for bit, as not stopping, on the same machine with the same number of threads.

    A checkpoint appears complete or not at all, and the one before is kept until the next is
    there, should a disk damage the newest.

    Attach it last: it saves what the handlers before it leave.

    Args:
        folder: made when the first checkpoint is saved.
        state: what to save, each with ``state_dict`` and ``load_state_dict``; tensors, numbers
            and text only.
        lr_scheduler: steps once an iteration.
        minutes: between two checkpoints inside an epoch.
    """

    def __init__(
        self,
        folder: str | Path,
        state: Mapping[str, Any],
        lr_scheduler: LRScheduler,
        minutes: float = 10.0,
    ) -> None:
        self.folder = Path(folder)
        self.state = dict(state)
        self.lr_scheduler = lr_scheduler
        self.minutes = minutes
        self._saved = time.monotonic()

    def attach(self, engine: Engine) -> None:
        """Load when ``engine`` starts, and save as it goes."""
        engine.add_event_handler(Events.STARTED, self.resume)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._save_by_time)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def save(self, engine: Engine) -> None:
        """Write a checkpoint now; of several processes the first does.

        Raises:
            InputError: it cannot be written; the newest that there is stays.
        """
        self._saved = time.monotonic()
        if idist.get_rank() > 0:
            return
        content = {name: item.state_dict() for name, item in self.state.items()}
        content["iteration"] = engine.state.iteration
        newest, coming = self.folder / NEWEST, self.folder / "checkpoint_coming.pt"
        self.folder.mkdir(parents=True, exist_ok=True)
        save_state(content, coming)
        if newest.is_file():
            newest.replace(self.folder / BEFORE)
        coming.replace(newest)

    def _save_by_time(self, engine: Engine) -> None:
        # What follows the last step of an epoch, its validation, belongs to that epoch.
        last_of_epoch = engine.state.iteration % (engine.state.epoch_length or 1) == 0
        if not last_of_epoch and time.monotonic() - self._saved >= 60 * self.minutes:
            self.save(engine)

    def resume(self, engine: Engine) -> None:
        """Load the newest checkpoint that is whole, if there is one.

        Raises:
            InputError: all checkpoints are damaged, or they belong to another network.
        """
        self._saved = time.monotonic()
        files = [path for name in (NEWEST, BEFORE) if (path := self.folder / name).is_file()]
        for path in files:
            try:
                content = read_checkpoint(path)
            except InputError as error:
                logger.warning("%s Trying the checkpoint before it.", error)
                continue
            self._load(content, path)
            engine.state.iteration = content["iteration"]
            engine.state.epoch = content["iteration"] // (engine.state.epoch_length or 1)
            logger.info("Going on from %s at step %d.", path, content["iteration"])
            return
        if files:
            raise InputError(
                f"No checkpoint in {self.folder} is readable; remove the folder to start again."
            )

    def _load(self, content: Mapping[str, Any], path: Path) -> None:
        try:
            for name, item in self.state.items():
                item.load_state_dict(content[name])
        except InputError:  # which says what is the matter
            raise
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{path} belongs to another network or optimiser; give another output_dir."
            ) from error
        self.lr_scheduler.last_epoch = content["iteration"] - 1
        with warnings.catch_warnings():
            # PyTorch wants the optimiser to step first; it has, before the stop.
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            self.lr_scheduler.step()
