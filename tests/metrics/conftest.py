"""Pictures that several files of this folder look at."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A fused picture and its sources: a textured ellipse, a dim one with a bright disk."""
    rows, columns = np.mgrid[:64, :64]
    inside = (rows - 32) ** 2 / 28**2 + (columns - 32) ** 2 / 22**2 < 1
    disk = (rows - 24) ** 2 + (columns - 36) ** 2 < 60
    source_a = inside * np.round(120 + 60 * np.sin(rows / 4) * np.cos(columns / 5))
    source_b = inside * (40.0 + 200 * disk)
    return np.round(np.maximum(source_a, 0.3 * source_a + 0.7 * source_b)), source_a, source_b
