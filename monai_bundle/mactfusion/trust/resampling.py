"""What a partner that is much finer than the grid of the result loses before anything is fused."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.amounts import counted
from mactfusion.case import partner_roles
from mactfusion.errors import note
from mactfusion.structure.marks import KEPT_BELOW
from mactfusion.transforms.fineness import MOST_VOXELS, cube_counts, much_finer, spacing_mm
from mactfusion.transforms.slices import CLEARLY_THICKER
from mactfusion.transforms.volume import noted
from mactfusion.trust.regions import AVERAGED, MILLIMETRES, MOST_LISTED, Region
from mactfusion.trust.sentences import at
from mactfusion.trust.small import Small, find_small
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

LEAST_SHOWN = 0.1
"""Contrast in the window of the partner, of black to white, that a small structure must have."""
APART_MM = 6.0
"""Peaks that are closer are one."""


class KeepFined(Transform):
    """Keep a ``partner`` of one channel that is much finer than the grid, as ``fine``.

    That is what :func:`~mactfusion.transforms.fineness.much_finer` finds.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Keep it."""
        partner = data["partner"]
        if len(partner) != 1 or much_finer(partner, data["anatomical"]) is None:
            return dict(data)
        return {**data, "fine": partner}


class FindSmalld(Transform):
    """Turn ``fine`` into ``small``: what of it is fainter on the grid of the result.

    Columns see :class:`mactfusion.trust.small.Small`.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Find it."""
        result = dict(data)
        fine = result.pop("fine", None)
        if fine is not None:
            result["small"] = find_small(fine, data["partner"])
        return result


class CheckAveragedd(Transform):
    """Say what of ``small`` is lost in the window of the partner; add it to ``averaged``.

    Lost is what keeps less of its contrast than
    :data:`mactfusion.structure.marks.KEPT_BELOW`. The contrast is what a display in this window
    shows, on the partner's own grid and on that of the result.

    Args:
        check: whether to do it.
    """

    def __init__(self, check: bool = True) -> None:
        self.check = check

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check one partner."""
        result = dict(data)
        if not self.check or "small" not in data or len(data["partner"]) != 1:
            return result
        regions = _lost(data["small"], data["level_width"])
        if not regions:
            return result
        before = json.loads(data.get("averaged", "[]"))
        own = [{**region, "source": data["number"]} for region in regions[:MOST_LISTED]]
        result["averaged"] = json.dumps([*before, *own])
        note(result, _sentence(data, regions))
        return result


def read_averaged(data: Mapping[str, Any]) -> list[Region]:
    """Return what :class:`CheckAveragedd` found of all partners."""
    roles = partner_roles(len(data["partners"]))
    regions = json.loads(data.get("averaged", "[]"))
    for region in regions:
        region["source"] = roles[region["source"]]
    return regions


def _lost(small: torch.Tensor, level_width: torch.Tensor) -> list[Region]:
    """Return what is lost in a window, the most first."""
    found = Small(*small.double().T)
    level, width = level_width.double().tolist()
    peak, around, coarse = (
        ((value - level) / width + 0.5).clamp(0, 1)
        for value in (found.peak, found.around, found.coarse)
    )
    contrast = peak - around
    kept = ((coarse - around) / contrast.clamp_min(1e-6)).clamp(0, 1)
    is_lost = (contrast >= LEAST_SHOWN) & (kept < KEPT_BELOW)
    places = torch.stack([found.right, found.anterior, found.superior], dim=1)
    chosen: list[int] = []
    amounts = (contrast * (1 - kept) * found.size).where(is_lost, 0)
    for number in amounts.argsort(descending=True, stable=True).tolist():
        if not is_lost[number]:
            break
        if not chosen or torch.cdist(places[number, None], places[chosen]).min() > APART_MM:
            chosen.append(number)
    return [
        Region(
            kind=AVERAGED,
            source="",
            position=[round(value, 1) for value in places[number].tolist()],
            size=round(float(found.size[number]), 1),
            unit=MILLIMETRES,
            kept=round(float(kept[number]), 2),
        )
        for number in chosen
    ]


def _sentence(data: Mapping[str, Any], regions: list[Region]) -> str:
    """Say what is lost, and what keeps more."""
    few = len(regions) == 1
    sentence = (
        f"{counted(len(regions), 'small bright structure')} of {noted(data['partner'])} "
        f"{'is' if few else 'are'} lost on the grid of the result, before anything is fused: its "
        f"voxels are larger ({'it is' if few else 'the first is'} {at(regions[0])})"
    )
    edge_mm = _edge_of_cubes(data["anatomical"])
    if edge_mm is None:
        return f"{sentence}."
    cubes = f"cubic voxels of {edge_mm:.3g} mm ({option('grid', 'isotropic')})"
    return f"{sentence}; {cubes} keep more of them."


def _edge_of_cubes(anatomical: MetaTensor) -> float | None:
    """Return the edge of cubic voxels, where those of the grid are none and there may be some."""
    spacing = spacing_mm(anatomical)
    is_thick = bool(spacing.max() > CLEARLY_THICKER * spacing.min())
    fits = math.prod(cube_counts(anatomical)) <= MOST_VOXELS
    return float(spacing.min()) if is_thick and fits else None
