"""The fusion metrics where MONAI's engines can see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.handlers import IgniteMetricHandler, from_engine
from monai.metrics import CumulativeIterationMetric

from mactfusion.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class SliceQuality(CumulativeIterationMetric):
    """Metrics of fused slices as they would be stored: clamped, rounded to 8 bits.

    Args:
        names: of :data:`mactfusion.metrics.METRICS`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.functions = [METRICS[name] for name in names]

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: Any) -> Tensor:
        """Score ``(B, 1, H, W)`` against both sources ``(B, 2, H, W)`` in [0, 1]: ``(B, K)``."""
        assert y is not None  # noqa: S101  # MONAI's signature has metrics without a reference
        grey = torch.cat([y_pred, y], dim=1).clamp(0, 1).mul(255).round().double().cpu().numpy()
        return torch.tensor([[score(*triple) for score in self.functions] for triple in grey])

    def aggregate(self) -> Tensor:
        """Average over all slices and metrics; not a number when one of them is not."""
        return self.get_buffer().mean()


def quality_handlers(names: Sequence[str]) -> dict[str, IgniteMetricHandler]:
    """One handler a metric, each with the values of every slice in ``engine.state``."""
    return {name: quality_handler([name]) for name in names}


def quality_handler(names: Sequence[str]) -> IgniteMetricHandler:
    """One handler for the mean of several metrics."""
    return IgniteMetricHandler(
        metric_fn=SliceQuality(names), output_transform=from_engine(["pred", "image"])
    )
