"""Pictures of each validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from ignite.engine import Engine, Events
from torch.nn import functional

from mactfusion.io.atomic import atomic_path

if TYPE_CHECKING:
    from torch import Tensor


class FusionFigure:
    """Write the first slices of each validation as rows of anatomical | partner | fused.

    For an evaluator whose batches stay whole (``decollate: false``).
    """

    def __init__(self, folder: str | Path, rows: int = 6) -> None:
        self.folder = Path(folder)
        self.rows = rows
        self._pairs: list[Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Collect at each iteration of an evaluator and write at its end."""
        engine.add_event_handler(Events.EPOCH_STARTED, lambda _: self._pairs.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _collect(self, engine: Engine) -> None:
        spacing = max(1, (engine.state.epoch_length or 1) // self.rows)
        if (engine.state.iteration - 1) % spacing or len(self._pairs) >= self.rows:
            return
        output = cast("dict[str, Tensor]", engine.state.output)
        row = torch.cat([output["image"][0], output["pred"][0].clamp(0, 1)]).float().cpu()
        self._pairs.append(row.permute(1, 0, 2).flatten(1))

    def _write(self, engine: Engine) -> None:
        from PIL import Image

        width = max(row.shape[1] for row in self._pairs)
        picture = torch.cat([functional.pad(row, (0, width - row.shape[1])) for row in self._pairs])
        self.folder.mkdir(parents=True, exist_ok=True)
        pixels = (picture * 255).round().to(torch.uint8).numpy()
        with atomic_path(self.folder / f"validation_{engine.state.epoch:04d}.png") as unfinished:
            Image.fromarray(pixels).save(unfinished)
