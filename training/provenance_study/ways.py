"""Ways to find the share of the first source in what a function makes of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mactfusion.trust.provenance import STEP, probed_share
from training.provenance_study.rules import blurred, share

if TYPE_CHECKING:
    from torch import Tensor

    from training.provenance_study.rules import Function

_RIDGE = 1e-5
_SIGMA = 2.0


def probed(fuse: Function, image: Tensor) -> Tensor:
    """Small changes of single pixels; see :func:`mactfusion.trust.provenance.probed_share`."""
    slices = image.transpose(0, 1)
    with torch.no_grad():
        found = probed_share(lambda changed: fuse(changed.transpose(0, 1)).transpose(0, 1), slices)
    return found.transpose(0, 1)


def whole_source(fuse: Function, image: Tensor) -> Tensor:
    """Derivative of each pixel when all of a source becomes brighter."""
    found = []
    with torch.no_grad():
        for channel in (0, 1):
            change = torch.zeros_like(image)
            change[:, channel] = STEP
            found.append((fuse(image + change) - fuse(image - change)) / (2 * STEP))
    return share(torch.cat(found, dim=1))


def gradient_of_sum(fuse: Function, image: Tensor) -> Tensor:
    """Derivative of the sum of all fused pixels by each pixel of a source, by autograd."""
    image = image.clone().requires_grad_()
    with torch.enable_grad():
        fuse(image).sum().backward()
    assert image.grad is not None  # noqa: S101
    return share(image.grad)


def regression(fuse: Function, image: Tensor) -> Tensor:
    """Local linear regression of the fused picture on both sources, weighed by a Gaussian."""
    with torch.no_grad():
        fused = fuse(image)
        first, second = image.split(1, dim=1)

        def covariance(one: Tensor, other: Tensor) -> Tensor:
            return blurred(one * other, _SIGMA) - blurred(one, _SIGMA) * blurred(other, _SIGMA)

        both = covariance(first, second)
        own, others = covariance(first, first) + _RIDGE, covariance(second, second) + _RIDGE
        # Where nothing varies, half of each.
        with_first = covariance(first, fused) + _RIDGE / 2
        with_second = covariance(second, fused) + _RIDGE / 2
        slopes = [others * with_first - both * with_second, own * with_second - both * with_first]
        return share(torch.cat(slopes, dim=1) / (own * others - both.square()))


WAYS = {
    "single pixels": probed,
    "whole source": whole_source,
    "gradient of the sum": gradient_of_sum,
    "local regression": regression,
}


def of_one_pixel(fuse: Function, image: Tensor, row: int, column: int) -> float:
    """Share by changes of one pixel of each source, and of nothing else: what a share means."""
    found = []
    with torch.no_grad():
        for channel in (0, 1):
            change = torch.zeros_like(image)
            change[0, channel, row, column] = STEP
            pair = [fuse(image + sign * change)[0, 0, row, column] for sign in (1, -1)]
            found.append(float(pair[0] - pair[1]) / (2 * STEP))
    total = sum(map(abs, found))
    return abs(found[0]) / total if total else float("nan")
