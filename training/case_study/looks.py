"""Fuse a case in both ways, and keep the slice that is looked at with what was said."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion import fuse_volumes
from mactfusion.trust.sentences import at

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor
    from numpy.typing import NDArray

    from mactfusion.trust.regions import Region
    from training.case_study.heads import Case

NEAR_MM = 12.0
"""A region of the list whose strongest place is as near as that is the one that is pointed at."""


@dataclass(frozen=True)
class Look:
    """One axial slice of a case, the patient's right on the left, as radiologists look.

    Attributes:
        title: of the case.
        pictures: anatomical volume, partner, fused before and after: ``(rows, columns)``, or RGB
            ``(rows, columns, 3)``, in [0, 1].
        lost: of the second fusion, ``(rows, columns)`` uint8: see ``FusionResult.lost``.
        place: column and row of what is to be seen.
        said_before: sentences of the first fusion.
        said_after: of the second, and what its list has of the place besides.
    """

    title: str
    pictures: list[NDArray[np.float32]]
    lost: NDArray[np.uint8]
    place: tuple[float, float]
    said_before: list[str]
    said_after: list[str]


def look_at(case: Case, folder: Path) -> Look:
    """Fuse a case.

    Args:
        case: of :func:`training.case_study.heads.write_heads`.
        folder: of its files.
    """
    files = folder / case.anatomical, folder / case.partner
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is said stands in the picture
        before, after = (
            fuse_volumes(*files, task=case.task, **options) for options in (case.before, case.after)
        )
    affine = after.fused.affine.double().numpy()
    index = np.linalg.solve(affine, [*case.place_mm, 1.0])
    depth = round(index[2])
    volumes: list[MetaTensor] = [after.anatomical, after.partners[0], before.fused, after.fused]
    lost = _slice_of(after.lost, depth).astype(np.uint8)
    rows, columns = lost.shape
    near = [at(region) for region in _near(after.regions, case)]
    listed = [f"In its list: {one}." for one in near if one not in " ".join(after.warnings)]
    return Look(
        title=case.title,
        pictures=[_slice_of(volume, depth) for volume in volumes],
        lost=lost,
        place=(columns - 1 - index[0], rows - 1 - index[1]),
        said_before=before.warnings,
        said_after=[*after.warnings, *listed],
    )


def _near(regions: list[Region], case: Case) -> list[Region]:
    """Return the region at the place of a case, if one is listed."""
    apart = [float(np.linalg.norm(np.subtract(one["position"], case.place_mm))) for one in regions]
    least = min(apart, default=np.inf)
    return [regions[apart.index(least)]] if least <= NEAR_MM else []


def _slice_of(volume: Any, depth: int) -> NDArray[Any]:
    """Return ``(rows, columns)`` or ``(rows, columns, 3)`` of ``(C, I, J, K)`` in RAS."""
    turned = np.moveaxis(np.asarray(volume)[..., depth], 0, -1).swapaxes(0, 1)[::-1, ::-1]
    return turned[..., 0] if turned.shape[-1] == 1 else turned
