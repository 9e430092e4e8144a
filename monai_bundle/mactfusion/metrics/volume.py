"""The metrics of volumes: slice by slice, and their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mactfusion.errors import InputError
from mactfusion.metrics import find_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Profile = NDArray[np.float64]

FAINTEST_CONTENT = 5
"""Grey levels, of 255, that a slice without content spans at most: 2 %, the noise of air."""


def slice_profile(
    fused: ArrayLike,
    source_a: ArrayLike,
    source_b: ArrayLike,
    metrics: Sequence[str],
    axis: int = -1,
) -> dict[str, Profile]:
    """Return metrics along one axis of a volume, a value for each slice.

    Args:
        fused: ``(I, J, K)``, luminance 0 to 255.
        source_a: the same shape.
        source_b: the same shape.
        metrics: names in :data:`mactfusion.metrics.METRICS` or
            :data:`mactfusion.metrics.VARIANTS`.
        axis: the axis that counts the slices.

    Returns:
        Metric to values of shape ``(slices,)``; NaN where :func:`has_content` says no.

    Raises:
        InputError: an unknown metric, not three volumes of one shape, or slices that the metric
            cannot compare.
    """
    functions = {name: find_metric(name) for name in metrics}
    volumes = [np.asarray(volume) for volume in (fused, source_a, source_b)]
    shapes = [volume.shape for volume in volumes]
    if len(set(shapes)) != 1 or len(shapes[0]) != 3:
        msg = f"A profile needs three volumes of one shape (fused and two sources), not {shapes}."
        raise InputError(msg)
    if not -3 <= axis < 3:
        raise InputError(f"A volume has the axes 0, 1 and 2, not {axis}.")
    slices = [np.moveaxis(volume, axis, 0) for volume in volumes]
    profiles = {name: np.full(len(slices[0]), np.nan) for name in functions}
    for index, pictures in enumerate(zip(*slices, strict=True)):
        if has_content(*pictures[1:]):
            for name, function in functions.items():
                profiles[name][index] = function(*pictures)
    return profiles


def profile_means(profiles: Mapping[str, Profile]) -> dict[str, float]:
    """Return the mean of each metric over the slices with content; NaN if there are none."""
    means = {}
    for name, values in profiles.items():
        content = values[~np.isnan(values)]
        means[name] = float(content.mean()) if content.size else float("nan")
    return means


def has_content(source_a: NDArray, source_b: NDArray) -> bool:
    """Tell whether a slice, luminance 0 to 255, says anything about fusion.

    One of the two sources has to span more than :data:`FAINTEST_CONTENT` grey levels.
    """
    return any(bool(np.ptp(source) > FAINTEST_CONTENT) for source in (source_a, source_b))
