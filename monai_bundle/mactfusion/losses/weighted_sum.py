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
            configuration reads as a list. A weight may be a mapping by task, such as
            ``{"ct-mri": 0.1, "spect-mri": 1.0}``; tasks it does not name have none. The tasks of
            a batch are then those that :func:`mactfusion.engine.prepare_pair` notes at the
            sources, ``sources.tasks``.
    """

    def __init__(self, terms: Sequence[Mapping[str, float | Mapping | nn.Module]]) -> None:
        super().__init__()
        self.weights: list = [entry["weight"] for entry in terms]
        self.terms = nn.ModuleList(entry["term"] for entry in terms)  # type: ignore[misc]

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1, H, W)`` with ``(B, 2, H, W)``; one number."""
        tasks: Sequence[str] = getattr(sources, "tasks", ())
        pred, sources = pred.float(), sources.float()
        values = [
            weight * term(pred, sources)
            if isinstance(weight, int | float)
            else _by_task(weight, term, pred, sources, tasks)
            for weight, term in zip(self.weights, self.terms, strict=True)
        ]
        return torch.stack(values).sum()


def _by_task(
    weights: Mapping[str, float],
    term: nn.Module,
    pred: Tensor,
    sources: Tensor,
    tasks: Sequence[str],
) -> Tensor:
    """Mean over the pairs of a batch, the weight of each being that of its task."""
    if len(tasks) != len(pred):
        raise ValueError(f"weights by task need the tasks of all {len(pred)} pairs, got {tasks}")
    total = pred.new_zeros(())
    for task in sorted(set(tasks) & set(weights)):
        chosen = torch.tensor([found == task for found in tasks], device=pred.device)
        share = chosen.sum() / len(pred)
        total = total + weights[task] * share * term(pred[chosen], sources[chosen])
    return total
