"""The histogram of a report: how bright the foreground of each volume is."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch

from mactfusion.transforms.hottest import luminance_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

FOREGROUND_FROM = 0.02
HISTOGRAM_BINS = 64


def luminance_histograms(volumes: Mapping[str, MetaTensor]) -> dict[str, Any]:
    """Return the luminance histograms as points of polylines in the unit square.

    The share of the foreground is drawn as its square root, so that a tall background peak does
    not flatten the rest.

    Args:
        volumes: ``(1 or 3, I, J, K)`` by name, on one grid; clipped to [0, 1].

    Returns:
        ``lines`` (SVG points by name, y downwards) and ``ticks`` (label and y).
    """
    luminances = {
        name: luminance_of(volume).nan_to_num().clamp(0, 1) for name, volume in volumes.items()
    }
    foreground = reduce(torch.maximum, luminances.values()) > FOREGROUND_FROM
    shares = {}
    for name, luminance in luminances.items():
        counts = torch.histc(luminance[foreground], bins=HISTOGRAM_BINS, min=0, max=1)
        shares[name] = (counts / counts.sum().clamp(min=1)).tolist()
    highest = max(max(share) for share in shares.values()) or 1.0
    return {
        "lines": {
            name: " ".join(
                f"{(bin_ + 0.5) / HISTOGRAM_BINS:.4f},{1 - math.sqrt(value / highest):.4f}"
                for bin_, value in enumerate(share)
            )
            for name, share in shares.items()
        },
        "ticks": [
            {"label": f"{percent} %", "y": 1 - math.sqrt(percent / 100 / highest)}
            for percent in (1, 5, 20, 50)
            if percent / 100 <= highest
        ],
    }
