"""Random places inside the head for lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.ndimage import binary_fill_holes, distance_transform_edt

from training.lesion_study.sources import TISSUE

if TYPE_CHECKING:
    from torch import Tensor

    from training.lesion_study.sources import SlicePair

FROM_OUTLINE_MM = 10.0
"""A disk of 12 mm, and most of its ring, then lie inside the head."""
APART_MM = 24.0
"""Between two places of one slice: no lesion reaches the ring of another."""


def draw_places(pair: SlicePair, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw up to ``count`` places, fewer where the head is small.

    A place shows tissue (the brighter source is above 0.1) and is 10 mm from the outline of the
    head, holes filled; two are 24 mm apart. A head that is cut by the edge of the picture ends
    there.

    Returns:
        Rows and columns ``(N, 2)``, and an angle in [0, π) for each, ``(N,)``.
    """
    tissue = (pair.sources[0].amax(dim=0) > TISSUE).numpy()
    head = np.pad(binary_fill_holes(tissue), 1)
    inside_mm = distance_transform_edt(head, pair.spacing_mm)[1:-1, 1:-1]
    free = np.argwhere(tissue & (inside_mm >= FROM_OUTLINE_MM))
    chosen: list[np.ndarray] = []
    while len(free) and len(chosen) < count:
        place = free[rng.integers(len(free))]
        chosen.append(place)
        free = free[np.linalg.norm((free - place) * pair.spacing_mm, axis=1) >= APART_MM]
    angles = rng.uniform(0, np.pi, len(chosen))
    centres = np.array(chosen, "float32").reshape(-1, 2)
    return torch.from_numpy(centres), torch.from_numpy(angles).float()
