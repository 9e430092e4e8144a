"""Gabor channels: what a model observer sees of a picture around the place it looks at.

Bands of one octave, evenly spaced orientations and two phases, as A. Wunderlich and F. Noo,
"Evaluation of the impact of tube current modulation on lesion detectability using model
observers", Proc. IEEE EMBS 2008, 2705-2708, and L. Yu et al., "Prediction of human observer
performance in a 2-alternative forced choice low-contrast detection task using channelized
Hotelling observer", Med. Phys. 40, 041908, 2013, use them; there in pixels, here in millimetres,
so that pictures of any spacing are seen alike.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch.nn import functional

BANDS = (3 / 128, 3 / 64, 3 / 32, 3 / 16)
"""Centres of the bands, cycles a millimetre: from 1/64 to 1/4, an octave each."""
ORIENTATIONS = 5
"""Over half a turn."""
PHASES = (0.0, math.pi / 2)
REACH_MM = 32.0
"""From the place to the edge of what is seen of a picture."""


@lru_cache
def gabor_channels(spacing_mm: tuple[float, float]) -> torch.Tensor:
    """Return the channels on a grid around the place.

    Each is a wave under a Gaussian, less as much of the Gaussian as makes its sum zero, so that an
    even brightness is not seen; and its square has the integral 1 over the area in mm², so that
    noise without structure is as strong in one as in the other.

    Args:
        spacing_mm: of rows and of columns.

    Returns:
        ``(40, H, W)`` float64, the place in the middle, times the area of a pixel: multiplied with
        a picture and summed they give responses.
    """
    counts = [math.floor(REACH_MM / spacing) for spacing in spacing_mm]
    down, right = (
        torch.arange(-count, count + 1, dtype=torch.float64) * spacing
        for count, spacing in zip(counts, spacing_mm, strict=True)
    )
    down, right = down[:, None], right[None]
    area = spacing_mm[0] * spacing_mm[1]
    channels = []
    for band in BANDS:
        width = 4 * math.log(2) / (math.pi * (2 / 3) * band)  # at half height, of one octave
        envelope = torch.exp(-4 * math.log(2) * (down**2 + right**2) / width**2)
        for number in range(ORIENTATIONS):
            angle = math.pi * number / ORIENTATIONS
            along = right * math.cos(angle) + down * math.sin(angle)
            for phase in PHASES:
                wave = envelope * torch.cos(2 * math.pi * band * along + phase)
                wave = wave - envelope * (wave.sum() / envelope.sum())
                channels.append(wave / (wave.square().sum() * area).sqrt())
    return torch.stack(channels) * area


def around(picture: torch.Tensor, centres: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Cut out what lies around each place; beyond the edge of the picture it is 0.

    Args:
        picture: ``(C, H, W)``.
        centres: ``(N, 2)``, row and column, whole numbers.
        size: rows and columns to cut out, odd.

    Returns:
        ``(N, C, rows, columns)``.
    """
    rows, columns = (count // 2 for count in size)
    padded = functional.pad(picture, (columns, columns, rows, rows))
    windows = padded.unfold(1, size[0], 1).unfold(2, size[1], 1)
    row, column = centres.long().unbind(dim=1)
    return windows[:, row, column].movedim(1, 0)


def respond(cutouts: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
    """Return the response of each channel to each plane of each cutout.

    Args:
        cutouts: ``(N, C, rows, columns)`` of :func:`around`.
        channels: ``(K, rows, columns)`` of :func:`gabor_channels`.

    Returns:
        ``(N, C·K)`` float64.
    """
    return torch.einsum("nchw,khw->nck", cutouts.double(), channels).flatten(1)
