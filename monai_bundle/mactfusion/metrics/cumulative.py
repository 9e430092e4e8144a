"""The metrics as MONAI metrics: collected batch by batch, averaged over all pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.metrics import CumulativeIterationMetric

from mactfusion.errors import InputError
from mactfusion.metrics import find_metric
from mactfusion.metrics.volume import is_blank

if TYPE_CHECKING:
    from torch import Tensor


class FusionMetric(CumulativeIterationMetric):
    """One fusion metric over the pictures of a validation run.

    Works by itself, or as the ``metric_fn`` of ``monai.handlers.IgniteMetricHandler``, whose
    ``output_transform`` has to give the fused pictures and their sources. Several processes share
    their values, as with every cumulative metric of MONAI.

    Args:
        name: in :data:`mactfusion.metrics.METRICS` or :data:`mactfusion.metrics.VARIANTS`.

    Raises:
        InputError: there is no metric of this name.

    Example:
        >>> metric = FusionMetric("SCD")
        >>> sources = torch.rand(4, 2, 48, 48)
        >>> metric(sources.mean(dim=1, keepdim=True), sources).shape
        torch.Size([4, 1])
        >>> metric.aggregate().shape
        torch.Size([])
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._function = find_metric(name)

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: Any) -> Tensor:
        """Return the metric of each picture, ``(B, 1)`` float32; NaN where both sources are flat.

        Args:
            y_pred: fused pictures as the network gives them, ``(B, 1, H, W)``, nominally in [0, 1];
                clamped and rounded to 8 bits here, as they would be saved.
            y: sources, ``(B, 2, H, W)`` in [0, 1], rounded to 8 bits.

        Raises:
            InputError: other shapes, sources outside [0, 1], NaN, or pictures that are too small.
        """
        if y is None or y.ndim != 4 or y.shape[1] != 2 or y_pred.shape != y[:, :1].shape:
            shapes = tuple(y_pred.shape), None if y is None else tuple(y.shape)
            msg = f"{self.name} compares (B, 1, H, W) with sources (B, 2, H, W), not {shapes}."
            raise InputError(msg)
        fused, sources = (_to_8_bits(values) for values in (y_pred.clamp(0, 1), y))
        values = [
            torch.nan if is_blank(a, b) else self._function(picture, a, b)
            for (picture,), (a, b) in zip(fused.numpy(), sources.numpy(), strict=True)
        ]
        return torch.tensor(values, dtype=torch.float32, device=y_pred.device)[:, None]

    def aggregate(self) -> Tensor:
        """Return the mean over all pictures with content, a scalar; NaN if there was none.

        Raises:
            InputError: no picture has been compared since the last reset.
        """
        values = self.get_buffer()
        if values is None:
            msg = f"{self.name} has no value yet: no picture was compared."
            raise InputError(msg)
        return values.nanmean()


def _to_8_bits(values: Tensor) -> Tensor:
    """Return whole grey levels, 0 to 255, as float32 on the CPU."""
    return (torch.as_tensor(values).detach().cpu().float() * 255).round()
