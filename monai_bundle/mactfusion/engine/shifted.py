"""Pairs beside a moved copy of themselves, so that training can ask for the same result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.engine.step import prepare_pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def move(image: Tensor, rows: int, columns: int) -> Tensor:
    """Move ``(B, C, H, W)`` down and right, or up and left where negative; zeros come in."""
    return functional.pad(image, (columns, -columns, rows, -rows))


class ShiftedPairs:
    """A ``prepare_batch`` that puts a moved copy of each pair behind the batch.

    The windows of MACTFusion's attention lie at fixed places of the slice. A picture that is
    moved by part of a window is cut differently, and comes out differently unless training asks
    for the same: see :class:`ShiftConsistencyLoss`, which looks up the last movement here.

    Args:
        shifts: numbers of pixels; one is drawn for the rows and one for the columns of each batch.
    """

    def __init__(self, shifts: Sequence[int]) -> None:
        self.shifts = torch.tensor(list(shifts))
        self.last: tuple[int, int] | None = None

    def __call__(
        self,
        batch: Mapping[str, Any],
        device: torch.device | str | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor]:
        """Return ``(2B, 2, H, W)`` twice, for the network and for the loss."""
        sources, _ = prepare_pair(batch, device, non_blocking, **kwargs)
        rows, columns = self.shifts[torch.randint(len(self.shifts), (2,))].tolist()
        self.last = (rows, columns)
        both = torch.cat([sources, move(sources, rows, columns)])
        both.tasks = 2 * sources.tasks  # type: ignore[attr-defined]
        return both, both


class ShiftConsistencyLoss(nn.Module):
    """Mean absolute difference of a result and the result of its moved copy, moved back.

    Args:
        pairs: the ``prepare_batch`` that made the batch; it knows the movement. None where the
            copies were moved back before (:class:`~mactfusion.engine.AddSeend`).
    """

    def __init__(self, pairs: ShiftedPairs | None = None) -> None:
        super().__init__()
        self.pairs = pairs

    def forward(self, pred: Tensor, _: Tensor) -> Tensor:
        """Compare the halves of ``(2B, 1, H, W)``; 0 for a single pair, as in validation.

        Raises:
            ValueError: the halves are no pairs and their moved copies.
        """
        if len(pred) == 1:
            return pred.new_zeros(())
        first, second = pred.chunk(2)
        if self.pairs is None:
            return (first - second).abs().mean()
        if self.pairs.last is None:
            raise ValueError("ShiftConsistencyLoss needs ShiftedPairs as prepare_batch")
        rows, columns = self.pairs.last
        # What came in as zeros has no counterpart; the slice's own content does.
        kept = move(torch.ones_like(first), rows, columns)
        return ((move(first, rows, columns) - second).abs() * kept).sum() / kept.sum()
