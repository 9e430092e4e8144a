"""What an observer may look at: each source alone, and what is made of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.data import MetaTensor

from mactfusion.transforms.brightness import steady_gain
from mactfusion.transforms.color import MergeChrominanced, SplitLuminanced, merge_chrominance
from mactfusion.transforms.oklab import srgb_to_oklab
from mactfusion.transforms.volume import plain
from training.lesion_study.measure import CHANNELS
from training.lesion_study.methods import OPACITY, SHOWN_FROM, pixel_maximum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.lesion_study.methods import Method

BLENDING, MAXIMUM = "blending", "maximum"


def draw_pictures(
    scaled: torch.Tensor, task: str, networks: Mapping[str, Method]
) -> dict[str, torch.Tensor]:
    """Draw all pictures of a slice.

    Networks are steadied as the recipe steadies volumes, by the gain of the first state of the
    slice for all: a single lesion hardly moves it, many at once would.

    Args:
        scaled: ``(B, 2, H, W)`` in [0, 1], of a :class:`~training.observer.heads.Head`: states of
            one slice, the first without lesions.
        task: such as ``ct-mri``.
        networks: name to network.

    Returns:
        Names of both sources, of the networks, ``maximum`` and ``blending`` to ``(3, B, H, W)`` in
        OKLab.
    """
    meta = {"affine": torch.eye(4, dtype=torch.float64)}
    case = SplitLuminanced()(
        {"partner": MetaTensor(scaled[None, :, 1], meta=meta), "task": task, "tracer": 0}
    )
    anatomical, luminance = scaled[None, :, 0], plain(case["luminance"])
    case["image"] = MetaTensor(torch.cat([anatomical, luminance]), meta=meta)
    sources = plain(case["image"]).movedim(0, 1)
    partner = luminance
    if case["is_color"]:
        partner = merge_chrominance(luminance, *plain(case["chrominance"]).split(1))
    opacity = OPACITY * (luminance > SHOWN_FROM)
    first, second = CHANNELS[task]
    drawn = {first: anatomical, second: partner}
    for name, network in networks.items():
        drawn[name] = _in_color(case, _steadied(network, sources))
    drawn[MAXIMUM] = _in_color(case, pixel_maximum(sources))
    drawn[BLENDING] = anatomical + opacity * (partner - anatomical)
    return {name: srgb_to_oklab(picture.expand(3, -1, -1, -1)) for name, picture in drawn.items()}


def _steadied(network: Method, sources: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        fused = network(sources).clamp_min(0)
    return (fused * steady_gain(fused[:1, 0], sources[:1].amax(dim=1))).clamp(0, 1)


def _in_color(case: Mapping[str, object], fused: torch.Tensor) -> torch.Tensor:
    return plain(MergeChrominanced()({**case, "pred": fused.movedim(1, 0)})["pred"])
