"""Means of the five main metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.evaluation.score import score_slices
from mactfusion.metrics import RANKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mactfusion.evaluation.score import Triple


def mean_scores(pictures: Iterable[tuple[str, Triple]], jobs: int = 1) -> dict[str, float]:
    """Mean over pictures of SCD, MS_SSIM, Qabf, Qw and VIF.

    Args:
        pictures: what an error calls each, and ``(fused, source_a, source_b)``: luminance 0 to
            255, each ``(H, W)``.
        jobs: number of processes.

    Raises:
        InputError: a metric is not defined for a picture.
    """
    scores = list(score_slices(list(RANKING), pictures, jobs))
    return {metric: float(np.mean([values[metric] for values in scores])) for metric in RANKING}
