"""Voxels without a measurement that no tag names: found by their one value, far from all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.amounts import percent
from mactfusion.errors import note
from mactfusion.transforms.hounsfield import LEAST_SPAN, looks_like_hounsfield, offset_of
from mactfusion.transforms.volume import noted, percentile, plain, sample_voxels, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

_LEAST_SHARE = 0.005
_HIGHEST_LOW = -1000.0
"""Scanners and programs pad with -2000, -3024, -32768: never above the value of air."""
_LOWEST_AIR = -1100.0


class LeaveOutPaddingd(Transform):
    """Set padding of the ``anatomical`` volume and the ``partners`` to the smallest measured value.

    That value is kept in the volume's meta as ``padding``, as the reader of DICOM does for padding
    that tags name; no statistic counts it. What was found is noted.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Find padding and replace it; see :func:`find_padding`."""
        result = dict(data)
        result["anatomical"] = _without_padding(data["anatomical"], result)
        result["partners"] = [
            {**partner, "partner": _without_padding(partner["partner"], result)}
            for partner in data["partners"]
        ]
        return result


def find_padding(voxels: torch.Tensor) -> float | None:
    """Find the value that stands for "not measured", as outside the scan circle of a CT.

    It is the highest value where that fills all corners of the volume and all others look like a
    CT. Or it is the lowest value, -1000 or less, where at least 0.5 % of the voxels have it and
    next to none lie near it; near -1000 it is air, unless the others are a CT stored too high or
    scaled down.

    Args:
        voxels: ``(1, I, J, K)``, native values.
    """
    values = plain(voxels)
    low = float(values.cpu().numpy().min())
    high = _in_all_corners(values)
    if low > _HIGHEST_LOW and high is None:
        return None
    sample = sample_voxels(values)
    if high is not None and _is_ct(sample[sample < high]) and float(sample.max()) == high:
        return high
    if low > _HIGHEST_LOW or not _stands_alone(sample, low):
        return None
    if low < _LOWEST_AIR:
        return low
    others = sample[sample > low]
    is_air = offset_of(others) is None and float(others.max() - others.min()) >= LEAST_SPAN
    return None if is_air else low


def _in_all_corners(values: torch.Tensor) -> float | None:
    """Return the value above 0 that all corners of a volume have, if there is one."""
    steps = [max(1, size - 1) for size in values.shape[1:]]
    corners = values[0, :: steps[0], :: steps[1], :: steps[2]]
    value = float(corners.max())
    return value if value > 0 and float(corners.min()) == value else None


def _is_ct(sample: torch.Tensor) -> bool:
    return sample.numel() > 0 and (looks_like_hounsfield(sample) or offset_of(sample) is not None)


def _stands_alone(sample: torch.Tensor, low: float) -> bool:
    others = sample[sample > low]
    count = sample.numel() - others.numel()
    if count < _LEAST_SHARE * sample.numel() or others.numel() == 0:
        return False
    top = percentile(others, 0.999)
    near = int((others < low + 0.1 * (top - low)).sum())
    return near <= 0.05 * count and float(others.min()) < top


def _without_padding(volume: MetaTensor, data: dict[str, Any]) -> MetaTensor:
    if volume.meta.get("padding") or len(volume) != 1:
        return volume
    padding = find_padding(volume)
    if padding is None:
        return volume
    voxels = plain(volume)
    is_padding = voxels == padding
    smallest = float(voxels.masked_fill(is_padding, torch.inf).min())
    share = int(is_padding.count_nonzero()) / is_padding.numel()
    note(
        data,
        f"{noted(volume)} has the value {padding:g} in {percent(share, 1)} of its voxels and next "
        f"to none near it: they are taken as not measured and set to {smallest:g}, the smallest "
        "other value.",
    )
    found = with_voxels(volume, voxels.masked_fill(is_padding, smallest))
    found.meta["padding"] = f"{smallest:.9g}"
    return found
