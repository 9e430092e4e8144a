"""Slices whose edges become a multiple of what a network needs, and are cut off again."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def pad_to_multiple(image: Tensor, multiple: int, mode: str = "reflect") -> Tensor:
    """Extend ``(B, C, H, W)`` at the bottom and right to a multiple.

    Args:
        image: of any size.
        multiple: of which the result's edges are.
        mode: "reflect" mirrors the slice where both its edges are at least ``multiple``, and else
            repeats its last pixels, as "replicate" does.
    """
    height, width = image.shape[-2:]
    if not _are_free(height, width):
        if min(height, width) < multiple:
            mode = "replicate"
        return functional.pad(image, (0, -width % multiple, 0, -height % multiple), mode=mode)
    lasts = [_places(image, size)[-1:] for size in (height, width)]
    is_narrow = torch.minimum(*lasts) + 1 < multiple
    for dim, size, last in zip((2, 3), (height, width), lasts, strict=True):
        place = _places(image, (size + multiple - 1) // multiple * multiple)
        source = torch.minimum(place, last)
        if mode == "reflect":
            mirrored = (last - (place - last).abs()).clamp(min=0)
            source = torch.where(is_narrow, source, mirrored)
        image = image.index_select(dim, source)
    return image


def crop(image: Tensor, height: int, width: int) -> Tensor:
    """Cut ``(B, C, …)`` to its upper left ``(B, C, height, width)``."""
    if not _are_free(height, width):
        return image[..., :height, :width]
    for dim, size in ((2, height), (3, width)):
        image = image.index_select(dim, _places(image, size))
    return image


def _are_free(height: int, width: int) -> bool:
    """Whether a graph is being recorded that is to take any size.

    Its sizes are no numbers then. What depends on them is written as indices, so that nothing has
    to be decided while the graph is recorded.
    """
    return not (isinstance(height, int) and isinstance(width, int))


def _places(image: Tensor, size: int) -> Tensor:
    """Return 0, 1, … ``(size,)``, wherever the image will be when the graph runs."""
    return image.new_ones(size, dtype=torch.long).cumsum(0) - 1
