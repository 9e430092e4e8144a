"""Colours as readers with a colour vision deficiency see them."""

from __future__ import annotations

import torch

from mactfusion.transforms.oklab import decode_srgb, encode_srgb
from mactfusion.transforms.volume import plain

_LIGHT_SEEN = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Red, green and blue light that readers without one kind of cone see: G. M. Machado, M. M.
Oliveira, L. A. F. Fernandes, IEEE Trans. Vis. Comput. Graph. 15 (2009) 1291-1298, severity 1."""

DEFICIENCIES = tuple(_LIGHT_SEEN)
"""Without red cones, without green, without blue. The first two are red-green blindness."""


def as_seen(rgb: torch.Tensor, deficiency: str) -> torch.Tensor:
    """Return colours as somebody with a full deficiency sees them.

    Args:
        rgb: ``(3, ...)``, sRGB in [0, 1].
        deficiency: one of :data:`DEFICIENCIES`.

    Returns:
        ``(3, ...)``, sRGB in [0, 1], without meta.
    """
    light = decode_srgb(plain(rgb))
    weights = torch.tensor(_LIGHT_SEEN[deficiency], dtype=light.dtype, device=light.device)
    return encode_srgb((weights @ light.reshape(3, -1)).clamp_(0, 1)).reshape(light.shape)
