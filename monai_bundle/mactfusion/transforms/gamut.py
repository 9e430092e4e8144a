"""How light and how dark a colour can be before sRGB no longer has it."""

from __future__ import annotations

from functools import cache

import torch

from mactfusion.transforms.oklab import oklab_to_linear

_EDGE = 0.33
"""No colour of sRGB has an a or b beyond."""
_PLACES = 193
"""Of the table along a and along b."""
_LEVELS, _HALVINGS = 65, 12
"""Lightnesses that are tried first, and how often the way to the border is halved then."""
_BEYOND = 1e-4
"""Light beyond [0, 1] that is rounding."""


def lightness_bounds(chroma: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the least and the greatest lightness that sRGB has of colours.

    Between them sRGB has the colour too. Of colours that it has at no lightness both are where it
    comes nearest.

    Args:
        chroma: ``(2, slices, rows, columns)``, a and b of OKLab.

    Returns:
        Two of ``(slices, rows, columns)`` in [0, 1].
    """
    table = _table().to(chroma.device)
    # What torch samples is a picture: its columns run along b, the last axis of the table.
    places = (chroma.flip(0) / _EDGE).permute(1, 2, 3, 0).reshape(1, chroma.shape[1], -1, 2)
    bounds = torch.nn.functional.grid_sample(
        table[None], places, mode="bilinear", padding_mode="border", align_corners=True
    )
    least, greatest = bounds[0].reshape(2, *chroma.shape[1:])
    return least, greatest


@cache
def _table() -> torch.Tensor:
    """Return the bounds at evenly spaced a and b, ``(2, a, b)``."""
    axis = torch.linspace(-_EDGE, _EDGE, _PLACES, dtype=torch.float64)
    chroma = torch.stack(torch.meshgrid(axis, axis, indexing="ij"))
    levels = torch.linspace(0, 1, _LEVELS, dtype=torch.float64)
    beyond = torch.stack([_beyond(chroma, level.expand(chroma.shape[1:])) for level in levels])
    middle = levels[_middle(beyond <= _BEYOND, beyond.argmin(dim=0))]
    least, greatest = torch.zeros_like(middle), torch.ones_like(middle)
    inside = [middle, middle]
    outside = [least, greatest]
    for _ in range(_HALVINGS):
        for side in range(2):
            between = (inside[side] + outside[side]) / 2
            is_inside = _beyond(chroma, between) <= _BEYOND
            inside[side] = torch.where(is_inside, between, inside[side])
            outside[side] = torch.where(is_inside, outside[side], between)
    return torch.stack(inside).float()


def _middle(is_inside: torch.Tensor, nearest: torch.Tensor) -> torch.Tensor:
    """Return the level in the middle of those inside, or the nearest where there is none."""
    count = is_inside.sum(dim=0)
    halfway = (is_inside.cumsum(dim=0) >= (count + 1) // 2).int().argmax(dim=0)
    return torch.where(count > 0, halfway, nearest)


def _beyond(chroma: torch.Tensor, lightness: torch.Tensor) -> torch.Tensor:
    """Return how far the light of colours lies outside [0, 1], 0 or less inside."""
    light = oklab_to_linear(torch.stack([lightness, *chroma]))
    return torch.maximum(-light, light - 1).amax(dim=0)
