"""Colours that say uptake: lightness from the fused luminance, hue and chroma from the partner."""

from __future__ import annotations

import torch

from mactfusion.transforms.gamut import lightness_bounds
from mactfusion.transforms.oklab import (
    decode_srgb,
    encode_srgb,
    oklab_to_srgb,
    power,
    srgb_to_oklab,
)
from mactfusion.transforms.volume import plain

LIGHTEST = 0.82
"""Lightness of full luminance without colour: what is lighter has no room for one."""
_STEEPNESS = 0.85
"""Power of the lightness of a grey: the dark half becomes lighter, where colours need it."""
_MARGIN = 0.03
"""Lightness from the border of the gamut within which it is pressed together."""
_TINY = 1e-6


def to_lightness(luminance: torch.Tensor) -> torch.Tensor:
    """Return the lightness, in OKLab, of a luminance in [0, 1]; black stays black."""
    # OKLab's lightness of a grey is its light to the power of 1/3.
    lightness = power(decode_srgb(luminance), _STEEPNESS / 3).mul_(LIGHTEST)
    return lightness.mul_(luminance > 0)


def to_luminance(lightness: torch.Tensor) -> torch.Tensor:
    """Return the luminance, in [0, 1], of a lightness; the way back of :func:`to_lightness`."""
    light = power((lightness / LIGHTEST).clamp_(0, 1), 3 / _STEEPNESS)
    return encode_srgb(light)


def merge_legible(luminance: torch.Tensor, chroma: torch.Tensor) -> torch.Tensor:
    """Give a luminance colour; hue and chroma are what they are at any luminance.

    Where sRGB does not have the colour at the lightness of the luminance, it is moved to one at
    which it does. What is brighter stays lighter: near the border of the gamut lightness is pressed
    together, not cut.

    Args:
        luminance: ``(1, slices, rows, columns)`` in [0, 1].
        chroma: ``(2, slices, rows, columns)``, a and b of OKLab.

    Returns:
        ``(3, slices, rows, columns)``, sRGB in [0, 1], without meta.
    """
    luminance, chroma = plain(luminance)[0], plain(chroma)
    wanted = to_lightness(luminance)
    least, greatest = lightness_bounds(chroma)
    room = (greatest - least).div_(2).clamp_(min=_TINY, max=_MARGIN)
    # Black and white are in the gamut: towards them nothing is pressed.
    below = torch.minimum(room, least).clamp_(min=_TINY)
    above = torch.minimum(room, 1 - greatest).clamp_(min=_TINY)
    too_dark = least.add_(below).sub_(wanted).clamp_(min=0)
    too_light = greatest.sub_(above).neg_().add_(wanted).clamp_(min=0)
    # Up to the margin x stays x; beyond, its distance d from there becomes m - m²/(m + d).
    wanted += too_dark.square() / below.add_(too_dark)
    wanted -= too_light.square() / above.add_(too_light)
    return oklab_to_srgb(torch.stack([wanted, *chroma]))


def luminance_of_legible(rgb: torch.Tensor) -> torch.Tensor:
    """Return the luminance, ``(1, ...)`` in [0, 1], of colours that :func:`merge_legible` made.

    It is that which was merged but for the places where lightness was moved.
    """
    return to_luminance(srgb_to_oklab(rgb)[:1])
