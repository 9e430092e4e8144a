"""Whether a slice shows anything: blank ones do not count in the metrics of a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAINTEST_CONTENT = 5
"""Grey levels, of 255, that a slice without content spans at most: 2 %, the noise of air."""


def has_content(source_a: NDArray, source_b: NDArray) -> bool:
    """Tell whether a slice, luminance 0 to 255, says anything about fusion.

    One of the two sources has to span more than :data:`FAINTEST_CONTENT` grey levels.
    """
    return any(bool(np.ptp(source) > FAINTEST_CONTENT) for source in (source_a, source_b))
