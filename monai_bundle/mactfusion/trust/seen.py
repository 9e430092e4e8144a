"""Pictures as a person sees them on a screen in a room: lightness, and two axes of colour."""

from __future__ import annotations

import torch

from mactfusion.transforms.oklab import srgb_to_oklab
from mactfusion.transforms.volume import plain

AMBIENT = 0.01
"""Light of the room that a screen reflects, as a share of its white. Without it the lightness of
OKLab would count a difference next to black, which nobody sees, for ten of one between greys."""
_LEVELS = 256

COLOR_WEIGHT = 2.0
"""OKLab makes its axes of colour too short for differences that are seen at once: against lightness
they count about twice (B. Ottosson, on the difference of colours ΔE OK; color.js, deltaEOK2)."""


def seen(picture: torch.Tensor) -> torch.Tensor:
    """Return what a person sees of a picture.

    Args:
        picture: grey ``(1, ...)`` or sRGB ``(3, ...)`` in [0, 1]; what a file of 8 bits cannot hold
            is not seen.

    Returns:
        ``(1, ...)``: lightness of OKLab in the light of a room, 0 (black) to 1 (white); or
        ``(3, ...)``: lightness and two axes of colour, weighed by :data:`COLOR_WEIGHT`.
    """
    levels = (plain(picture) * (_LEVELS - 1)).round_().to(torch.uint8)
    return seen_levels(levels)


def seen_levels(levels: torch.Tensor) -> torch.Tensor:
    """Do the same of a picture in 8 bits, ``(1 or 3, ...)`` uint8."""
    if len(levels) == 1:
        return _lightness_of_greys().take(levels.long())
    return _in_room(_lit_codes().take(levels.long()))


def _lightness_of_greys() -> torch.Tensor:
    return _in_room(_lit_codes().expand(3, -1))[0]


def _lit_codes() -> torch.Tensor:
    """Return sRGB of the light that comes from the screen at each of 256 levels."""
    code = torch.arange(_LEVELS) / (_LEVELS - 1)
    light = torch.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    light = (light + AMBIENT) / (1 + AMBIENT)
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _in_room(srgb: torch.Tensor) -> torch.Tensor:
    """Return OKLab with black, which is not without light, at 0 and white at 1."""
    black = (AMBIENT / (1 + AMBIENT)) ** (1 / 3)
    lab = srgb_to_oklab(srgb)
    lab[0] -= black
    lab[1:] *= COLOR_WEIGHT
    return lab.mul_(1 / (1 - black))
