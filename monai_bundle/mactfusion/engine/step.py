"""One training step: what goes in, at which precision, and how far the weights may move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ignite.distributed as idist
import torch
from monai.engines import IterationEvents
from monai.inferers import SimpleInferer
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ignite.engine import Engine


def prepare_pair(
    batch: Mapping[str, Any],
    device: torch.device | str | None = None,
    non_blocking: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """Hand ``image`` ``(B, 2, H, W)`` to the network and to the loss: there is no other label.

    The tasks of the pairs, where the batch names them, are noted as ``sources.tasks``, for
    criteria that weigh a term by task (:class:`mactfusion.losses.FusionLoss`).
    """
    sources = batch["image"].to(device=device, non_blocking=non_blocking, **kwargs)
    sources.tasks = list(batch.get("task", ()))
    return sources, sources


def fast_precision(device: torch.device) -> torch.dtype:
    """Choose bfloat16 where a device computes in it, else float32.

    A processor without AVX-512 emulates bfloat16, and a training step takes twenty times as long.
    """
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.bfloat16 if fast else torch.float32


class AutocastInferer(SimpleInferer):
    """Run the network under autocast; the loss outside it stays in float32.

    Args:
        precision: ``float32``, ``bfloat16`` (which needs no gradient scaler, on any device), or
            ``auto``: bfloat16 where the device of the inputs is fast at it.
    """

    def __init__(self, precision: str = "float32") -> None:
        self.dtype = None if precision == "auto" else getattr(torch, precision)

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any
    ) -> Tensor:
        """Predict ``(B, 1, H, W)`` from ``(B, 2, H, W)``."""
        dtype = self.dtype or fast_precision(inputs.device)
        enabled = dtype != torch.float32
        with torch.autocast(inputs.device.type, dtype=dtype, enabled=enabled):
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


class MeanLoss:
    """Report the mean loss over all processes, as one process with all their data would."""

    def attach(self, engine: Engine) -> None:
        """Look at each step of ``engine`` once its gradient is known."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Replace the loss of this step."""
        output: Any = engine.state.output
        output["loss"] = idist.all_reduce(output["loss"].detach().clone()) / idist.get_world_size()
