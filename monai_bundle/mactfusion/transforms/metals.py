"""Colour tables that say uptake at any lightness: from grey through a curve in OKLab."""

from __future__ import annotations

import numpy as np
import torch

from mactfusion.transforms.legible import merge_legible

CURVES = {
    "hot_metal": ((0.1700, 0.0550), (-0.0195, 0.1386)),  # red, orange, yellow
    "cool_metal": ((0.1200, -0.1340), (-0.0920, -0.0780)),  # violet, blue
    "green_metal": ((-0.1545, -0.0414), (-0.1301, 0.1171)),  # teal, green
}
"""Name to two places (a, b): towards the first a table leaves grey, at the second it ends. Hue
turns one way from end to end. Of hot_metal chroma grows too, and b, which red-green blindness
leaves."""
TINT = (-0.052, -0.074)
"""The blue (a, b) at the upper end of a tint."""
TINTED_FROM = 0.5
"""Share of the window at which a tint begins: a CT of a head shows brain below."""
_STEPS = 4096


def metal_table(name: str, brightness: torch.Tensor) -> torch.Tensor:
    """Return a table, ``(N, 3)`` RGB in [0, 1]; equal steps of the value are equal steps in a, b.

    Args:
        name: one of :data:`CURVES`.
        brightness: luminance of each entry as far as sRGB has the colour there, ``(N,)``.
    """
    chroma = _along(*CURVES[name], len(brightness))
    return merge_legible(brightness.reshape(1, 1, 1, -1), chroma[:, None, None])[:, 0, 0].T


def tint_table(values: torch.Tensor) -> torch.Tensor:
    """Return a table, ``(N, 3)`` RGB in [0, 1], grey and growing bluish from its middle.

    Args:
        values: luminance of each entry, ``(N,)``.
    """
    share = ((values - TINTED_FROM) / (1 - TINTED_FROM)).clamp(min=0)
    chroma = share * torch.tensor(TINT)[:, None]
    return merge_legible(values.reshape(1, 1, 1, -1), chroma[:, None, None])[:, 0, 0].T


def _along(turn: tuple[float, float], end: tuple[float, float], count: int) -> torch.Tensor:
    """Return evenly spaced places, ``(2, N)``, along a quadratic Bézier curve from grey."""
    t = np.linspace(0, 1, _STEPS)
    curve = 2 * t * (1 - t) * np.array(turn)[:, None] + t**2 * np.array(end)[:, None]
    way = np.concatenate([[0], np.hypot(*np.diff(curve)).cumsum()])
    places = np.linspace(0, way[-1], count)
    return torch.tensor(np.stack([np.interp(places, way, axis) for axis in curve])).float()
