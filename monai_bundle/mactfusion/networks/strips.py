"""Features a strip of rows at a time, so that what lies between two steps stays in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mactfusion.networks.recording import is_recorded

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES_PER_THREAD = 4096 * 48
"""Of a strip: in float32 they are 0.8 MB, about what a core's cache holds."""


def split_into_strips(features: Tensor, dim: int = 2) -> tuple[Tensor, ...]:
    """Cut features along a dimension; there is one strip off the CPU and in a recorded graph."""
    if features.device.type != "cpu" or is_recorded():
        return (features,)
    values_of_a_row = features.numel() // features.shape[dim]
    rows = VALUES_PER_THREAD * torch.get_num_threads() // values_of_a_row
    return features.split(max(rows, 1), dim)


def in_strips(function: Callable[..., Tensor], *features: Tensor, dim: int = 2) -> Tensor:
    """Apply a function that does not look from one strip into another.

    Features of a whole slice go through memory once for all its steps, not once for each.

    Args:
        function: takes a strip of all features, and returns one of the shape of the first.
        features: one or more of one shape.
        dim: the dimension that is cut; by default the rows of ``(B, C, H, W)``.

    Returns:
        What ``function(*features)`` is.
    """
    strips = list(zip(*(split_into_strips(each, dim) for each in features), strict=True))
    if len(strips) == 1:
        return function(*features)
    if torch.is_grad_enabled():
        return torch.cat([function(*strip) for strip in strips], dim)
    done = function(*strips[0])
    whole = torch.empty_like(features[0], dtype=done.dtype)
    places = split_into_strips(whole, dim)
    places[0].copy_(done)
    for place, strip in zip(places[1:], strips[1:], strict=True):
        place.copy_(function(*strip))
    return whole
