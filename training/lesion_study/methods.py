"""What is measured: rules of pixels, and networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from training.comparison.checkpoints import file_for, load_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import nn

Method = Callable[[Tensor], Tensor]
"""Takes ``(B, 2, H, W)`` in [0, 1] and gives ``(B, 1, H, W)``."""
OPACITY = 0.5
SHOWN_FROM = 0.02
"""Of the partner: viewers leave an overlay out where it shows next to nothing."""


def pixel_maximum(sources: Tensor) -> Tensor:
    """Take the brighter source."""
    return sources.amax(dim=1, keepdim=True)


def pixel_average(sources: Tensor) -> Tensor:
    """Take the mean of both sources."""
    return sources.mean(dim=1, keepdim=True)


def alpha_blending(sources: Tensor) -> Tensor:
    """Lay the coloured partner over the anatomical source as viewers do; the luminance of that.

    Half opaque where the partner is above 0.02, the anatomical source alone elsewhere. Luminance
    is a sum of red, green and blue, so that of the blend is the blend of the luminances.
    """
    anatomical, partner = sources.split(1, dim=1)
    opacity = OPACITY * (partner > SHOWN_FROM)
    return anatomical + opacity * (partner - anatomical)


RULES: dict[str, Method] = {
    "maximum": pixel_maximum,
    "average": pixel_average,
    "blending": alpha_blending,
}


def read_methods(weights: Mapping[str, str], tasks: Iterable[str]) -> dict[str, dict[str, Method]]:
    """Task to name to method: the networks, then the rules.

    Args:
        weights: name to file or model, see :func:`training.comparison.checkpoints.file_for`.
        tasks: such as ``ct-mri``.

    Raises:
        InputError: weights cannot be read.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loaded: dict[Path, Method] = {}

    def network_of(file: Path) -> Method:
        if file not in loaded:
            loaded[file] = _on(device, load_network(file)[1])
        return loaded[file]

    return {
        task: {name: network_of(file_for(given, task)) for name, given in weights.items()} | RULES
        for task in tasks
    }


def _on(device: torch.device, network: nn.Module) -> Method:
    network.to(device)

    def fuse(sources: Tensor) -> Tensor:
        return network(sources.to(device)).cpu()

    return fuse
