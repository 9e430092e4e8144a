"""Fusions whose shares are known: what each gives, and how much it takes of the first source."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

Function = Callable[[Tensor], Tensor]
DETAIL_PIXELS = 5
_RAMP_EDGE = 24
_SIGMA = 3.0


class Rule(NamedTuple):
    """A fusion of ``(1, 2, H, W)``, and the share of the first source in it, ``(1, 1, H, W)``."""

    fuse: Function
    share: Function


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Blur ``(B, C, H, W)`` by a Gaussian of that many pixels."""
    reach = int(3 * sigma + 0.5)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(image.shape[1], 1, 1)
    image = functional.pad(image, (reach,) * 4, mode="replicate")
    rows = functional.conv2d(image, kernel[:, :, :, None], groups=image.shape[1])
    return functional.conv2d(rows, kernel[:, :, None], groups=image.shape[1])


def share(weights: Tensor) -> Tensor:
    """Share of the first of two weights, ``(B, 2, H, W)``."""
    weights = weights.abs()
    return weights[:, :1] / weights.sum(dim=1, keepdim=True).clamp(min=1e-6)


def rules(height: int, width: int) -> dict[str, Rule]:
    """Return the fusions by name for slices of this size."""
    generator = torch.Generator().manual_seed(1)
    field = blurred(torch.randn(1, 1, height, width, generator=generator), 10)
    down, right = torch.arange(height)[:, None] // _RAMP_EDGE, torch.arange(width) // _RAMP_EDGE
    maps = {
        "average": torch.full((1, 1, height, width), 0.5),
        "blend by a ramp": torch.linspace(0, 1, width).expand(1, 1, height, width),
        "blend by a smooth map": torch.sigmoid(3 * field / field.std()),
        "blend by squares": ((down + right) % 2).float()[None, None] * 0.8 + 0.1,
    }
    known = {name: Rule(_blend(weight), _always(weight)) for name, weight in maps.items()}
    return known | {
        "maximum": Rule(_maximum, lambda image: (image[:, :1] > image[:, 1:]).float()),
        "root mean square": Rule(_root_mean_square, share),
        "chosen by local energy": Rule(
            _choose, lambda image: (_energy(image)[:, :1] > _energy(image)[:, 1:]).float()
        ),
        "weighed by local energy": Rule(_weigh, lambda image: share(_energy(image))),
        "first and detail of second": Rule(
            _add_detail,
            lambda image: torch.full_like(image[:, :1], 1 / (2 - 1 / DETAIL_PIXELS**2)),
        ),
    }


def _blend(weight: Tensor) -> Function:
    return lambda image: (torch.cat([weight, 1 - weight], 1) * image).sum(1, keepdim=True)


def _always(weight: Tensor) -> Function:
    return lambda _image: weight


def _maximum(image: Tensor) -> Tensor:
    return image.amax(dim=1, keepdim=True)


def _root_mean_square(image: Tensor) -> Tensor:
    return (image.square().mean(dim=1, keepdim=True) + 1e-9).sqrt()


def _energy(image: Tensor) -> Tensor:
    return blurred((image - blurred(image, _SIGMA)).square(), _SIGMA) + 1e-5


def _choose(image: Tensor) -> Tensor:
    energy = _energy(image)
    return image[:, :1].where(energy[:, :1] > energy[:, 1:], image[:, 1:])


def _weigh(image: Tensor) -> Tensor:
    energy = _energy(image)
    return (energy * image).sum(dim=1, keepdim=True) / energy.sum(dim=1, keepdim=True)


def _add_detail(image: Tensor) -> Tensor:
    first, second = image.split(1, dim=1)
    padded = functional.pad(second, (DETAIL_PIXELS // 2,) * 4, mode="replicate")
    return first + second - functional.avg_pool2d(padded, DETAIL_PIXELS, stride=1)
