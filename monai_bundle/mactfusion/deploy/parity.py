"""Whether a file gives what the network gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

SHAPES = ((1, 48, 64), (2, 33, 50), (3, 17, 29), (1, 40, 101), (2, 64, 31))
"""Batch, height and width of what is compared; no edge fits what every network needs."""

TOLERANCE = 5e-6
"""Of the full scale: rounding of float32 in another order of sums."""


def largest_difference(network: nn.Module, run: Callable[[Tensor], Tensor]) -> float:
    """Compare a network with what runs in its place, on noise of :data:`SHAPES`.

    The last pair of a batch of several is blank, and the first of them is dark.

    Args:
        network: takes ``(B, 2, H, W)`` in [0, 1].
        run: likewise.

    Returns:
        The largest absolute difference; infinite where a shape differs or a value is not finite.
    """
    generator = torch.Generator().manual_seed(0)
    largest = 0.0
    for batch, height, width in SHAPES:
        image = torch.rand(batch, 2, height, width, generator=generator)
        if batch > 1:
            image[0] *= 0.1
            image[-1, 0], image[-1, 1] = 0.25, 0.75
        with torch.no_grad():
            expected, found = network(image), run(image)
        if found.shape != expected.shape or not torch.isfinite(found).all():
            return float("inf")
        largest = max(largest, (found - expected).abs().max().item())
    return largest
