"""The metrics as MONAI metrics and handlers: collected batch by batch, averaged over pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.handlers import IgniteMetricHandler, from_engine
from monai.metrics import CumulativeIterationMetric

from mactfusion.errors import InputError
from mactfusion.metrics import find_metric
from mactfusion.metrics.content import has_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor


class FusionMetric(CumulativeIterationMetric):
    """Fusion metrics over the pictures of a validation run.

    Works by itself, or as the ``metric_fn`` of ``monai.handlers.IgniteMetricHandler``, whose
    ``output_transform`` has to give the fused pictures and their sources. Several processes share
    their values, as with every cumulative metric of MONAI.

    Args:
        names: of metrics in :data:`mactfusion.metrics.METRICS` or
            :data:`mactfusion.metrics.VARIANTS`.

    Raises:
        InputError: there is no metric of one of these names.

    Example:
        >>> metric = FusionMetric(["SCD", "EN"])
        >>> sources = torch.rand(4, 2, 48, 48)
        >>> metric(sources.mean(dim=1, keepdim=True), sources).shape
        torch.Size([4, 2])
        >>> metric.aggregate().shape
        torch.Size([])
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._functions = {name: find_metric(name) for name in names}

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: Any) -> Tensor:
        """Return the K metrics of each picture, ``(B, K)``; NaN where the sources show nothing.

        Args:
            y_pred: fused pictures as the network gives them, ``(B, 1, H, W)``, nominally in [0, 1];
                clamped and rounded to 8 bits here, as they would be saved.
            y: sources, ``(B, 2, H, W)`` in [0, 1], rounded to 8 bits.

        Raises:
            InputError: other shapes, sources outside [0, 1], NaN, pictures that are too small, or
                a metric that is not defined for a picture.
        """
        if y is None or y.ndim != 4 or y.shape[1] != 2 or y_pred.shape != y[:, :1].shape:
            shapes = tuple(y_pred.shape), None if y is None else tuple(y.shape)
            msg = f"Metrics compare (B, 1, H, W) with sources (B, 2, H, W), not {shapes}."
            raise InputError(msg)
        fused, sources = (_to_8_bits(values).numpy() for values in (y_pred.clamp(0, 1), y))
        rows = [
            self._score(picture, *pair) for (picture,), pair in zip(fused, sources, strict=True)
        ]
        return torch.tensor(rows, device=y_pred.device)

    def _score(self, fused: NDArray, source_a: NDArray, source_b: NDArray) -> list[float]:
        if not has_content(source_a, source_b):
            return [torch.nan] * len(self._functions)
        values = [function(fused, source_a, source_b) for function in self._functions.values()]
        for name, value in zip(self._functions, values, strict=True):
            if value != value:  # NaN, which the mean would take for a picture without content
                raise InputError(f"{name} is not defined for a fused picture; leave it out.")
        return values

    def aggregate(self) -> Tensor:
        """Return the mean over all metrics and pictures with content; NaN if there was none.

        Raises:
            InputError: no picture has been compared since the last reset.
        """
        values = self.get_buffer()
        if values is None:
            raise InputError("There is no value yet: no picture was compared.")
        return values.nanmean()


def metric_handlers(names: Sequence[str]) -> dict[str, IgniteMetricHandler]:
    """One handler a metric, each with the values of every slice in ``engine.state``."""
    return {name: metric_handler([name]) for name in names}


def metric_handler(names: Sequence[str]) -> IgniteMetricHandler:
    """One handler for the mean of several metrics."""
    return IgniteMetricHandler(
        metric_fn=FusionMetric(names), output_transform=from_engine(["pred", "image"])
    )


def _to_8_bits(values: Tensor) -> Tensor:
    """Return whole grey levels, 0 to 255, as float32 on the CPU."""
    return (torch.as_tensor(values).detach().cpu().float() * 255).round()
