"""OKLab: lightness, and two axes of colour, in steps as a person sees them.

Matrices and formulas of B. Ottosson, "A perceptual color space for image processing", 2020,
https://bottosson.github.io/posts/oklab/; the curve of sRGB is that of IEC 61966-2-1.
"""

from __future__ import annotations

import torch

from mactfusion.transforms.volume import plain

_CONES_OF_RGB = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LAB_OF_ROOTS = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_ROOTS_OF_LAB = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_RGB_OF_CONES = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def srgb_to_oklab(rgb: torch.Tensor) -> torch.Tensor:
    """Convert colours as files and screens hold them to OKLab.

    Args:
        rgb: ``(3, ...)``, sRGB in [0, 1].

    Returns:
        ``(3, ...)``: L from 0 (black) to 1 (white), a and b, 0 for grey; without meta.
    """
    cones = _times(_CONES_OF_RGB, decode_srgb(plain(rgb)))
    # The cones of sRGB are not negative but for rounding.
    return _times(_LAB_OF_ROOTS, cones.clamp_(min=0).pow_(1 / 3))


def oklab_to_srgb(lab: torch.Tensor) -> torch.Tensor:
    """Convert OKLab to colours as files and screens hold them.

    Args:
        lab: ``(3, ...)``: L, a and b.

    Returns:
        ``(3, ...)``, sRGB, without meta; a colour that sRGB does not have is clipped to [0, 1].
    """
    return encode_srgb(oklab_to_linear(lab).clamp_(0, 1))


def oklab_to_linear(lab: torch.Tensor) -> torch.Tensor:
    """Convert OKLab to red, green and blue light, ``(3, ...)``, beyond [0, 1] outside sRGB."""
    return _times(_RGB_OF_CONES, _times(_ROOTS_OF_LAB, plain(lab)).pow_(3))


def decode_srgb(rgb: torch.Tensor) -> torch.Tensor:
    """Return the light, in [0, 1], of sRGB in [0, 1]."""
    return torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def encode_srgb(light: torch.Tensor) -> torch.Tensor:
    """Return the sRGB in [0, 1] of light in [0, 1]."""
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _times(matrix: tuple[tuple[float, ...], ...], values: torch.Tensor) -> torch.Tensor:
    """Multiply each ``(3,)`` of ``(3, ...)`` by a matrix."""
    weights = torch.tensor(matrix, dtype=values.dtype, device=values.device)
    return (weights @ values.reshape(3, -1)).reshape(values.shape)
