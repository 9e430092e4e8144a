"""SCD: what the fused picture took from each source, correlated with that source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def sum_of_correlations_of_differences(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return SCD = r(F - B, A) + r(F - A, B), r Pearson's correlation over all pixels.

    Source: Aslantas and Bendes, "A new image quality metric for image fusion: the sum of the
    correlations of differences", AEU 69(12), 2015.

    Other code: where 8-bit arrays are subtracted without conversion, negative differences
    saturate at 0 and SCD comes out higher by 0.04 to 0.3.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        -2 to 2. A constant picture or difference correlates with nothing: its term is 0.

    Raises:
        InputError: the pictures cannot be compared.

    Example:
        >>> import numpy as np
        >>> a, b = np.eye(8) * 100, np.eye(8)[::-1] * 100
        >>> round(sum_of_correlations_of_differences(a + b, a, b), 6)
        2.0
    """
    fused, source_a, source_b = as_pictures(fused, source_a, source_b)
    return _correlation(fused - source_b, source_a) + _correlation(fused - source_a, source_b)


def _correlation(first: Picture, second: Picture) -> float:
    first = first - first.mean()
    second = second - second.mean()
    spread = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / spread) if spread > 0 else 0.0
