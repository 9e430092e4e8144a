"""Where a fused picture lost structure of a source, and where it has some that no source has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mactfusion.structure.traces import find_traces, repeated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mactfusion.structure.traces import Array, Traces

KEPT_BELOW = 0.34
"""Share of a source's structure below which it is lost. Of lesions of which 0.3 or more is kept,
about one in twenty is then called lost (docs/trust.md)."""
LEAST_STRUCTURE = 0.01
"""Root mean square, of black to white, below which there is none: a disk of a twentieth of the full
scale has about as much."""
ABOVE_NOISE = 2.0
"""What counts as structure, in multiples of what the quietest tissue of the slice has."""
QUIETEST = 0.05
"""Share of the tissue that is the quietest."""
TISSUE = 0.06
"""Lightness of the brightest source below which a place is air, and its noise no structure."""
LEAST_TISSUE_CELLS = 40
"""With less tissue nothing is known of its noise."""
NEW_SHARE = 1.0
"""Structure is invented where it exceeds this share of all structure that the sources have."""
LEAST_NEW = 0.03
"""Root mean square, likewise below which nothing is invented."""


class Marks(NamedTuple):
    """What is lost and invented, in cells of several pixels.

    Of the scales at which the source has structure in a cell, that decides at which the least of it
    is kept: a lesion may be lost where its texture is not.

    Attributes:
        steps: pixels of the picture in a cell, along rows and columns.
        is_lost: of each source ``(S, slices, rows, columns)``, bool.
        is_new: where structure is invented, ``(slices, rows, columns)``, bool.
        own: root mean square of the structure that only the source has, 0 where there is none that
            counts, ``(S, slices, rows, columns)``.
        kept: share of it that was kept, likewise.
        new: root mean square of what is invented, ``(slices, rows, columns)``.
        fused: of all structure there is, of the sources and of what is new, likewise.
    """

    steps: tuple[int, int]
    is_lost: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    own: Array
    kept: Array
    new: Array
    fused: Array


def mark(fused: Array, sources: Array, spacing_mm: tuple[float, float]) -> Marks:
    """Mark what a fused picture lost and invented.

    Args:
        fused: lightness, or lightness and two axes of colour, ``(1 or 3, slices, rows, columns)``,
            black to white being 1.
        sources: lightness of each, ``(S, slices, rows, columns)``.
        spacing_mm: of rows and of columns.
    """
    steps: tuple[int, int] | None = None
    noise: Array | None = None
    for found in find_traces(fused, sources, spacing_mm):
        # What is coarser is averaged, and has no more noise; but it has less that is quiet.
        quietest = _quietest(found)
        noise = quietest if noise is None else np.minimum(noise, quietest)
        counts = found.own >= np.maximum(LEAST_STRUCTURE, ABOVE_NOISE * noise)
        counts &= found.shown >= TISSUE
        is_new, everything = _is_new(found)
        new = np.where(is_new, found.new, 0)
        if steps is None:
            steps, shape = found.steps, found.new.shape[1:]
            own, kept = np.where(counts, found.own, 0), found.kept.copy()
            invented, total = new, everything
            continue
        ratio = (found.steps[0] // steps[0], found.steps[1] // steps[1])
        counts, coarse, share = (repeated(x, ratio, shape) for x in (counts, found.own, found.kept))
        is_least = counts & ((own == 0) | (share < kept))
        np.copyto(own, coarse, where=is_least)
        np.copyto(kept, share, where=is_least)
        invented = np.maximum(invented, repeated(new, ratio, shape))
        total = np.maximum(total, repeated(everything, ratio, shape))
    assert steps is not None  # noqa: S101  there is a finest scale
    is_lost = (own > 0) & (kept < KEPT_BELOW)
    return Marks(steps, is_lost, invented > 0, own, kept, invented, total)


def _quietest(found: Traces) -> Array:
    """Return what structure the quietest tissue of each slice has, ``(S, slices, 1, 1)``.

    That is noise; with next to no tissue nothing is known of it, and it is 0.
    """
    is_tissue = found.shown >= TISSUE
    quietest = np.zeros((*found.own.shape[:2], 1, 1), np.float32)
    for place, tissue in enumerate(is_tissue):
        if np.count_nonzero(tissue) >= LEAST_TISSUE_CELLS:
            of_tissue = found.all[:, place][:, tissue]
            rank = int(QUIETEST * of_tissue.shape[1])
            quietest[:, place, 0, 0] = np.partition(of_tissue, rank, axis=1)[:, rank]
    return quietest


def _is_new(found: Traces) -> tuple[NDArray[np.bool_], Array]:
    """Tell where no source explains what is shown, and how much structure there is in all."""
    of_sources = np.sqrt((found.all**2).sum(axis=0))
    is_new = (found.new >= LEAST_NEW) & (found.new > NEW_SHARE * of_sources)
    return is_new, np.sqrt(of_sources**2 + found.new**2)
