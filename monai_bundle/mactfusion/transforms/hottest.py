"""Where uptake is highest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.transforms.color import (
    BLUE_WEIGHT,
    GREEN_WEIGHT,
    RED_WEIGHT,
    TASKS_WITH_UPTAKE,
)
from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor


class FindHottestd(Transform):
    """Add ``hottest_mm``, where the first of ``partners`` with uptake has its highest value.

    Pictures of the result begin there. It is missing without such a partner, and where all that
    was seen is equal.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Look at the aligned partners."""
        for partner in data["partners"]:
            if partner["task"] in TASKS_WITH_UPTAKE:
                is_seen = plain(partner["field_of_view"])[0]
                values = luminance_of(partner["partner"]).where(is_seen, torch.nan)
                voxel = hottest_voxel(values)
                if voxel is None:
                    break
                place = torch.tensor([*voxel, 1], dtype=torch.float64)
                affine = partner["partner"].affine.double().cpu()
                return {**data, "hottest_mm": (affine @ place)[:3]}
        return dict(data)


def luminance_of(volume: MetaTensor) -> torch.Tensor:
    """Return the luminance of ``(1 or 3, I, J, K)`` as ``(I, J, K)``: BT.601 of RGB."""
    voxels = plain(volume).cpu().float()
    if len(voxels) == 1:
        return voxels[0]
    red, green, blue = voxels
    return RED_WEIGHT * red + GREEN_WEIGHT * green + BLUE_WEIGHT * blue


def hottest_voxel(values: torch.Tensor) -> list[int] | None:
    """Return the highest voxel, amid those that are equally high; none where all are equal."""
    finite = values.isfinite()
    # Indexing with a mask would list the place of every voxel first, at six times their memory.
    highest = values.where(finite, -torch.inf).max()
    if highest <= values.where(finite, torch.inf).min():
        return None
    # A window cuts hot spots to plateaus; the first voxel of one would lie at its rim.
    equals = (values == highest).nonzero()
    distances = (equals - equals.double().mean(dim=0)).square().sum(dim=1)
    return [int(place) for place in equals[int(distances.argmin())]]
