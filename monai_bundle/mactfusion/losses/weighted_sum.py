"""Criteria added by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FusionLoss(nn.Module):
    """Weighted sum of terms, in float32 whatever the precision of the network.

    Args:
        terms: one mapping a term, ``{"weight": 5.0, "term": WeightedQualityLoss()}``, so that a
            configuration reads as a list.
    """

    def __init__(self, terms: Sequence[Mapping[str, float | nn.Module]]) -> None:
        super().__init__()
        self.weights = [float(entry["weight"]) for entry in terms]  # type: ignore[arg-type]
        self.terms = nn.ModuleList(entry["term"] for entry in terms)  # type: ignore[misc]

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; one number."""
        pred, sources = pred.float(), sources.float()
        values = [
            weight * term(pred, sources)
            for weight, term in zip(self.weights, self.terms, strict=True)
        ]
        return torch.stack(values).sum()
