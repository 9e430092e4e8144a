"""What an observer may look at: each source alone, and what is made of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.data import MetaTensor

from mactfusion.transforms.brightness import steady_gain
from mactfusion.transforms.color import MergeChrominanced, SplitLuminanced, merge_colors
from mactfusion.transforms.oklab import srgb_to_oklab
from mactfusion.transforms.volume import plain
from training.lesion_study.measure import CHANNELS
from training.lesion_study.methods import OPACITY, SHOWN_FROM, pixel_maximum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from training.lesion_study.methods import Method

FUSED, MAXIMUM, BLENDING = "fused", "maximum", "blending"
IN_COLORS_OF_PAPERS = "fused, papers' colours"
OURS, PAPERS = "legible", "ycbcr"
"""Colours of what the default network fuses, and of all else: hot iron."""


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
        OKLab. What the network called ``fused`` gives is there in legible colours, and where there
        are colours in those of the papers too.
    """
    case, in_color = _split(scaled, task, PAPERS)
    anatomical, luminance = plain(case["image"]).split(1)
    sources = plain(case["image"]).movedim(0, 1)
    partner = merge_colors(luminance, plain(case["chrominance"]), PAPERS) if in_color else luminance
    opacity = OPACITY * (luminance > SHOWN_FROM)
    drawn = dict(zip(CHANNELS[task], (anatomical, partner), strict=True))
    for name, network in networks.items():
        fused = _steadied(network, sources)
        if name != FUSED or not in_color:
            drawn[name] = _merged(case, fused, PAPERS)
            continue
        legible, _ = _split(scaled, task, OURS)
        drawn[FUSED] = _merged(legible, fused, OURS)
        drawn[IN_COLORS_OF_PAPERS] = _merged(case, fused, PAPERS)
    drawn[MAXIMUM] = _merged(case, pixel_maximum(sources), PAPERS)
    drawn[BLENDING] = anatomical + opacity * (partner - anatomical)
    return {name: srgb_to_oklab(picture.expand(3, -1, -1, -1)) for name, picture in drawn.items()}


def _split(scaled: torch.Tensor, task: str, colors: str) -> tuple[dict[str, Any], bool]:
    """Return a case as the recipe has it before the network, and whether it has colours."""
    meta = {"affine": torch.eye(4, dtype=torch.float64)}
    partner = MetaTensor(scaled[None, :, 1], meta=meta)
    case = SplitLuminanced(colors=colors)({"partner": partner, "task": task})
    image = torch.cat([scaled[None, :, 0], plain(case["luminance"])])
    return {**case, "image": MetaTensor(image, meta=meta)}, bool(case["is_color"])


def _steadied(network: Method, sources: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        fused = network(sources).clamp_min(0)
    return (fused * steady_gain(fused[:1, 0], sources[:1].amax(dim=1))).clamp(0, 1)


def _merged(case: Mapping[str, Any], fused: torch.Tensor, colors: str) -> torch.Tensor:
    merge = MergeChrominanced(colors=colors)
    return plain(merge({**case, "pred": fused.movedim(1, 0)})["pred"])
