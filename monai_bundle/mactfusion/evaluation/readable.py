"""How well uptake can be read from the colours of a fused volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mactfusion.metrics.readability import LEAST_PIXELS, LEAST_UPTAKE, Readability, readability
from mactfusion.transforms.align import align_to
from mactfusion.transforms.oklab import srgb_to_oklab
from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

MOST_VOXELS = 200_000
"""Evenly spaced ones stand for all where more have uptake."""


def readability_of(fused: MetaTensor, sources: Mapping[str, Any]) -> Readability | None:
    """Measure the colours of a fused volume.

    Args:
        fused: ``(1 or 3, I, J, K)`` in [0, 1].
        sources: ``anatomical`` and the one of ``partners``, both in their windows, as the recipe's
            step for colours leaves them.

    Returns:
        None where the result is grey, the partner has no values but colours of its own, or next to
        nothing has uptake.
    """
    partner = sources["partners"][0]
    if len(fused) == 1 or not partner["is_color"] or len(partner["partner"]) == 3:
        return None
    uptake, anatomical = (
        plain(align_to(volume, fused)[0])[0]
        for volume in (partner["partner"], sources["anatomical"])
    )
    places = (uptake > LEAST_UPTAKE).flatten().nonzero()[:, 0]
    if len(places) < LEAST_PIXELS:
        return None
    places = places[:: -(-len(places) // MOST_VOXELS)]
    colors = srgb_to_oklab(plain(fused).flatten(1)[:, places].float())
    values = (volume.flatten()[places].float().numpy() for volume in (uptake, anatomical))
    return readability(colors.numpy(), *values)
