"""What the training configuration needs beside MONAI's engines and handlers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from ignite.engine import Engine, Events
from monai.engines import IterationEvents
from monai.inferers import SimpleInferer
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.weights import save_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from monai.engines import Evaluator


def prepare_pair(
    batch: Mapping[str, Any],
    device: torch.device | str | None = None,
    non_blocking: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """Hand ``image`` ``(B, 2, H, W)`` to the network and to the loss: there is no other label."""
    sources = batch["image"].to(device=device, non_blocking=non_blocking, **kwargs)
    return sources, sources


class AutocastInferer(SimpleInferer):
    """Run the network under autocast; the loss outside it stays in float32.

    Args:
        precision: ``float32`` or ``bfloat16`` (which needs no gradient scaler, on any device).
    """

    def __init__(self, precision: str = "float32") -> None:
        self.dtype = getattr(torch, precision)

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any
    ) -> Tensor:
        """Predict ``(B, 1, H, W)`` from ``(B, 2, H, W)``."""
        enabled = self.dtype != torch.float32
        with torch.autocast(inputs.device.type, dtype=self.dtype, enabled=enabled):
            return network(inputs, *args, **kwargs)


class ClipGradients:
    """Scale the gradient of all parameters down to a norm of at most ``max_norm``."""

    def __init__(self, network: nn.Module, max_norm: float = 1.0) -> None:
        self.network = network
        self.max_norm = max_norm

    def attach(self, engine: Engine) -> None:
        """Clip after each backward pass of ``engine``."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, _: Engine) -> None:
        """Clip now."""
        nn.utils.clip_grad_norm_(self.network.parameters(), self.max_norm)


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


class FusionFigure:
    """Write the first slices of each validation as rows of anatomical | partner | fused."""

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
        output = cast("list[dict[str, Tensor]]", engine.state.output)[0]
        row = torch.cat([output["image"], output["pred"].clamp(0, 1)]).float().cpu()
        self._pairs.append(row.permute(1, 0, 2).flatten(1))

    def _write(self, engine: Engine) -> None:
        from PIL import Image

        width = max(row.shape[1] for row in self._pairs)
        picture = torch.cat([functional.pad(row, (0, width - row.shape[1])) for row in self._pairs])
        self.folder.mkdir(parents=True, exist_ok=True)
        pixels = (picture * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(self.folder / f"validation_{engine.state.epoch:04d}.png")
