"""SCD: what the fused picture took from each source, correlated with that source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.correlation import pearson
from mactfusion.metrics.pictures import as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def sum_of_correlations_of_differences(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return SCD = r(F - B, A) + r(F - A, B), r Pearson's correlation over all pixels.

    Source: Aslantas and Bendes, "A new image quality metric for image fusion: the sum of the
    correlations of differences", AEU 69(12), 2015.

    Other code: where 8-bit arrays are subtracted without conversion, negative differences
    saturate at 0 and SCD comes out otherwise, by -0.1 to 0.5, mostly higher:
    :func:`sum_of_correlations_of_saturated_differences`.

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
    return pearson(fused - source_b, source_a) + pearson(fused - source_a, source_b)


def sum_of_correlations_of_saturated_differences(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return SCD as computed on 8-bit MATLAB arrays: max(F - X, 0) in place of F - X.

    Pictures, range and errors as for :func:`sum_of_correlations_of_differences`. Larger is
    better. Only for comparison with tables that were made this way.
    """
    fused, source_a, source_b = as_pictures(fused, source_a, source_b)
    without_a, without_b = np.maximum(fused - source_a, 0), np.maximum(fused - source_b, 0)
    return pearson(without_b, source_a) + pearson(without_a, source_b)
