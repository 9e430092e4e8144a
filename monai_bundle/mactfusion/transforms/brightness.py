"""Steady brightness along the slice axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.transforms.color import BACKGROUND
from mactfusion.transforms.slabs import by_slabs
from mactfusion.transforms.volume import is_picture, plain

if TYPE_CHECKING:
    from collections.abc import Mapping


def steady_gain(fused: torch.Tensor, brighter: torch.Tensor) -> torch.Tensor:
    """Gain of each slice that gives its foreground the root mean square of the brighter source.

    A network that standardises each slice, as MACTFusion's does, cannot know how bright the slice
    is within its volume. One factor a slice keeps the contrast inside the slice; because the factor
    depends on that slice alone, a single slice can be shown before the volume is fused.

    The root mean square counts bright voxels more than dark ones. A mean would follow the faint
    haze that the network leaves in dark places, which differ in size from slice to slice, and
    could leave bright tissue less steady than it was.

    Args:
        fused: ``(slices, rows, columns)``, 0 or more.
        brighter: maximum of both sources, same shape, in [0, 1].

    Returns:
        ``(slices,)``; 0 where both sources show nothing, so that noise is not amplified.
    """
    seen = brighter > BACKGROUND
    target, energy = (
        (volume * seen).square().sum(dim=(1, 2), dtype=torch.float64)
        for volume in (brighter, fused)
    )
    return (target / energy.clamp_min(1e-12)).sqrt().where(energy > 0, 0.0).float()


class SteadyBrightnessd(Transform):
    """Multiply each slice of ``pred`` by :func:`steady_gain`, then clip it to [0, 1].

    Where both sources are bright, as two MR are, the network may go beyond 1. What lies there is
    clipped after the gain, not before: a lesion would become a flat grey.

    A picture is clipped and otherwise left alone: it has no neighbour to differ from.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Steady ``pred`` ``(1, slices, rows, columns)`` by ``image`` ``(2, …)``."""
        image, fused = plain(data["image"]).cpu(), plain(data["pred"]).cpu()
        step = _clipped if is_picture(data["image"]) else _steadied
        return {**data, "pred": by_slabs(step, fused, image)}


def _clipped(fused: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return fused.float().clamp(0, 1)


def _steadied(fused: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    fused = fused.float().clamp_min(0)
    fused *= steady_gain(fused[0], image.amax(dim=0))[:, None, None]
    return fused.clamp_(max=1)
