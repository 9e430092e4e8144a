"""Share of the sources' structure that a fused picture lost, and of structure that it invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import as_pictures
from mactfusion.structure.marks import Marks, mark

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FULL_SCALE = 255.0
SPACING_MM = (1.0, 1.0)
"""Pictures have none; of whole heads on 256×256 pixels this is about right."""
SHORTEST_EDGE = 8


def lost_structure(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return the share of the structure that only one source has, that the fused picture lost.

    Structure is the difference of a place to its surroundings, from 2 to 12 pixels wide, above
    noise; it is lost where the fused picture follows it by less than
    :data:`mactfusion.structure.marks.KEPT_BELOW`. Each place counts by its contrast.

    This project's own.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, at least 8 pixels an edge.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 (nothing is lost, or there was nothing) to 1; smaller is better.

    Raises:
        InputError: the pictures cannot be compared or are smaller than 8 pixels.
    """
    marks = _marks(fused, source_a, source_b)
    return _share(marks.own * marks.is_lost, marks.own)


def invented_structure(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return the share of all structure that the fused picture has and no source explains.

    Likewise; what is new counts where it exceeds all structure that both sources have
    there. This project's own. 0 to 1, smaller is better.
    """
    marks = _marks(fused, source_a, source_b)
    return _share(marks.new, marks.fused)


def _marks(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> Marks:
    pictures = as_pictures(fused, source_a, source_b, shortest_edge=SHORTEST_EDGE)
    shown = np.stack(pictures).astype(np.float32)[:, None] / np.float32(FULL_SCALE)
    return mark(shown[:1], shown[1:], SPACING_MM)


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    total = float(whole.sum(dtype=np.float64))
    return float(part.sum(dtype=np.float64)) / total if total > 0 else 0.0
