"""Where a landmark of the synthetic head landed in a fused volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from monai.transforms import GaussianSmooth

from mactfusion.transforms.metals import CURVES
from mactfusion.transforms.oklab import srgb_to_oklab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monai.data import MetaTensor

SEARCH_MM = 15.0
# Standard deviation. The spots are 4 to 8 mm in radius: smoothed, they outshine noise and folds.
SMOOTHING_MM = 2.5
B = 2
MOST_YELLOW = CURVES["hot_metal"][1][1]
# What is this close to the peak is averaged, which is finer than a voxel.
PLATEAU_SHARE = 0.95


class MisplacedLandmarkError(RuntimeError):
    """A fused volume shows a landmark of the head at a wrong place."""


@dataclass(frozen=True)
class Landmark:
    """What a fused volume shows near an expected place, and at its mirror image.

    Attributes:
        name: what it is, for tables and messages.
        off_mm: distance of the brightest spot from the expected place.
        brightness: at the expected place, smoothed, in [0,1].
        mirrored_brightness: at the same place on the other side of the head, smoothed, in [0,1].
    """

    name: str
    off_mm: float
    brightness: float
    mirrored_brightness: float


def find_landmark(fused: MetaTensor, name: str, expected_mm: Sequence[float]) -> Landmark:
    """Look for the brightest spot within 15 mm of a place, and at its mirror image.

    Args:
        fused: ``(1 or 3, I, J, K)`` in [0,1]. Of colour yellow counts, b of OKLab: in hot_metal
            it grows with the uptake, whatever the brightness.
        name: what is looked for.
        expected_mm: its place in RAS mm.

    Returns:
        The centre of the brightest spot compared with the place, and the brightness of both sides.
    """
    shown = fused.as_tensor()
    if len(fused) == 3:
        shown = (srgb_to_oklab(shown.float())[B:] / MOST_YELLOW).clamp(0, 1)
    smooth = GaussianSmooth(sigma=[SMOOTHING_MM / float(step) for step in fused.pixdim])
    brightness = torch.as_tensor(smooth(shown))[0].double()
    index = torch.stack(torch.meshgrid(*map(torch.arange, brightness.shape), indexing="ij"))
    affine = fused.affine.double()
    points_mm = torch.einsum("ab,bijk->aijk", affine[:3, :3], index.double())
    points_mm += affine[:3, 3, None, None, None]
    here = torch.tensor(expected_mm, dtype=torch.float64)
    mirrored = here * torch.tensor([-1.0, 1.0, 1.0])
    here_mm, mirrored_mm = (
        (points_mm - place[:, None, None, None]).norm(dim=0) for place in (here, mirrored)
    )
    near = here_mm <= SEARCH_MM
    spot = near & (brightness >= PLATEAU_SHARE * brightness[near].max())
    centre = (points_mm[:, spot] * brightness[spot]).sum(dim=1) / brightness[spot].sum()
    return Landmark(
        name=name,
        off_mm=float((centre - here).norm()),
        brightness=float(brightness.flatten()[here_mm.argmin()]),
        mirrored_brightness=float(brightness.flatten()[mirrored_mm.argmin()]),
    )


def check_landmark(landmark: Landmark, tolerance_mm: float) -> None:
    """Refuse a fused volume whose landmark is misplaced or on the wrong side.

    Args:
        landmark: what was found.
        tolerance_mm: one voxel of the partner, corner to corner.

    Raises:
        MisplacedLandmarkError: the landmark is too far off, or the mirrored place is brighter.
    """
    if landmark.mirrored_brightness >= landmark.brightness:
        raise MisplacedLandmarkError(
            f"The {landmark.name} is not where it belongs: the other side of the head is as bright"
            f" ({landmark.mirrored_brightness:.2f} against {landmark.brightness:.2f})."
        )
    if landmark.off_mm > tolerance_mm:
        raise MisplacedLandmarkError(
            f"The {landmark.name} is {landmark.off_mm:.1f} mm from its place; one voxel of the"
            f" partner is {tolerance_mm:.1f} mm."
        )
