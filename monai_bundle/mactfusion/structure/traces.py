"""What is left in a fused picture of the structure of each source.

Structure is the difference of a place to its surroundings, at a scale. Around each place the
structure of the fused picture is explained by that of all sources at once, by linear regression in
a window. What a source has to be multiplied by is the share of its structure that was kept: 1 where
the fused picture follows it, 0 where it goes its own way, 0.5 where two were averaged. What several
sources show alike, bright or dark, is nobody's own and cannot be lost.

Arrays alone, slice by slice, in single precision.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float32]


class Scale(NamedTuple):
    """How large structure is, and how it is found.

    Attributes:
        pixel_mm: the pictures are averaged to pixels of about this edge.
        around_mm: standard deviation of the Gaussian that is the surroundings of a pixel.
        window_mm: of that in which the regression is made.
    """

    pixel_mm: float
    around_mm: float
    window_mm: float


SCALES = (Scale(1.0, 1.6, 2.4), Scale(2.0, 3.2, 3.2), Scale(4.0, 6.4, 6.4))
"""For structure of about 2, 5 and 12 mm."""
LEAST_PIXELS = 1.2
"""Standard deviation of a Gaussian below which a pixel has no surroundings."""
RIDGE_SHARE, RIDGE = 0.02, 1e-5
"""Of a source's own structure, and at least, squared: steadies the regression."""


class Traces(NamedTuple):
    """Structure at one scale, in cells of several pixels.

    Attributes:
        steps: pixels of the picture in a cell, along rows and columns.
        own: root mean square of the structure that only this source has, in its window,
            ``(S, slices, rows, columns)``.
        kept: share of it in the fused picture, likewise, 0 or more.
        all: of all of its structure, likewise.
        new: of the structure of the fused picture's lightness that no source explains,
            ``(slices, rows, columns)``.
        shown: lightness of the brightest source, likewise.
    """

    steps: tuple[int, int]
    own: Array
    kept: Array
    all: Array
    new: Array
    shown: Array


def find_traces(fused: Array, sources: Array, spacing_mm: tuple[float, float]) -> Iterator[Traces]:
    """Find what a fused picture keeps of its sources, from fine to coarse.

    A scale that the spacing is too coarse for is left out.

    Args:
        fused: lightness, or lightness and two axes of colour, ``(1 or 3, slices, rows, columns)``.
        sources: lightness of each, ``(S, slices, rows, columns)``.
        spacing_mm: of rows and of columns.
    """
    pictures = np.concatenate([sources, fused])
    shape, steps = pictures.shape[2:], (1, 1)
    seen: set[tuple[float, ...]] = set()
    for scale in SCALES:
        wanted = _steps(scale, spacing_mm, shape)
        pixel_mm = (spacing_mm[0] * wanted[0], spacing_mm[1] * wanted[1])
        around = tuple(max(scale.around_mm / mm, LEAST_PIXELS) for mm in pixel_mm)
        if (*wanted, *around) in seen:
            continue
        seen.add((*wanted, *around))
        pictures = _averaged(pictures, (wanted[0] // steps[0], wanted[1] // steps[1]))
        steps = wanted
        coarse = _averaged(pictures, (2, 2))
        structure = _structure(pictures, coarse, around)
        window = tuple(max(scale.window_mm / mm, LEAST_PIXELS) for mm in pixel_mm)
        count = len(sources)
        yield Traces(
            (2 * steps[0], 2 * steps[1]),
            *_regression(structure[:count], structure[count:], window),
            coarse[:count].max(axis=0),
        )


def _steps(scale: Scale, spacing_mm: Sequence[float], shape: Sequence[int]) -> tuple[int, int]:
    """Return how many pixels are averaged; a power of two, so that scales build on each other."""
    rows, columns = (
        2
        ** int(np.clip(np.floor(np.log2(scale.pixel_mm / mm) + 0.3), 0, np.log2(max(1, size / 8))))
        for mm, size in zip(spacing_mm, shape, strict=True)
    )
    return rows, columns


def _averaged(pictures: Array, steps: Sequence[int]) -> Array:
    """Average blocks of pixels; of what is left over at an end the last pixel counts for more."""
    for axis, step in ((-2, steps[0]), (-1, steps[1])):
        if step == 1:
            continue
        excess = -pictures.shape[axis] % step
        if excess:
            last = [(0, 0)] * pictures.ndim
            last[axis] = (0, excess)
            pictures = np.pad(pictures, last, mode="edge")
        parts = [_every(pictures, axis, first, step) for first in range(step)]
        total = parts[0] + parts[1]
        for part in parts[2:]:
            total += part
        total *= np.float32(1 / step)
        pictures = total
    return pictures


def _every(pictures: Array, axis: int, first: int, step: int) -> Array:
    return pictures[..., first::step, :] if axis == -2 else pictures[..., first::step]


def _structure(pictures: Array, coarse: Array, around: Sequence[float]) -> Array:
    """Return the difference of each pixel to its surroundings.

    Args:
        pictures: ``(N, slices, rows, columns)``.
        coarse: the same, averaged in pairs.
        around: standard deviation of the surroundings in pixels, along rows and columns.
    """
    sizes = pictures.shape[-2:]
    down, across = (_around(size, width) for size, width in zip(sizes, around, strict=True))
    return np.subtract(pictures, down @ coarse @ across.T, dtype=np.float32)


def _regression(
    sources: Array, fused: Array, window: Sequence[float]
) -> tuple[Array, Array, Array, Array]:
    """Explain the structure of a fused picture by that of its sources, window by window.

    Args:
        sources: structure of each, ``(S, slices, rows, columns)``.
        fused: of lightness, or of lightness and colour, ``(1 or 3, slices, rows, columns)``.
        window: its standard deviation in pixels, along rows and columns.

    Returns:
        ``own``, ``kept``, ``all`` and ``new`` of :class:`Traces`.
    """
    count = len(sources)
    pairs = [(i, j) for i in range(count) for j in range(i, count)]
    products = [sources[i] * sources[j] for i, j in pairs]
    products += [one * channel for channel in fused for one in sources]
    products.append(fused[0] * fused[0])
    cells = _averaged(np.stack(products), (2, 2))
    sizes = cells.shape[-2:]
    down, across = (_window(size, width / 2) for size, width in zip(sizes, window, strict=True))
    means = down @ cells @ across.T
    among = np.empty((count, count, *means.shape[1:]), np.float32)
    for place, (i, j) in enumerate(pairs):
        among[i, j] = among[j, i] = means[place]
    with_fused = means[len(pairs) : -1].reshape(len(fused), count, *means.shape[1:])
    inverse = _inverse(among)
    slopes = (inverse[None] * with_fused[:, None]).sum(axis=2)
    kept = np.maximum(slopes[0], 0)
    if len(slopes) > 1:
        kept = np.sqrt(kept**2 + (slopes[1:] ** 2).sum(axis=0))
    own: Array = np.stack([np.reciprocal(inverse[i, i]) for i in range(count)])
    new = means[-1] - (slopes[0] * with_fused[0]).sum(axis=0)
    every = np.stack([among[i, i] for i in range(count)])
    return _root(own - RIDGE), kept, _root(every), _root(new)


def _root(squares: Array) -> Array:
    return np.sqrt(np.maximum(squares, 0))


def _inverse(matrices: Array) -> Array:
    """Invert the matrix ``(S, S)`` of each cell, with a ridge, by Gauss and Jordan."""
    count = len(matrices)
    left = matrices.copy()
    right = np.zeros_like(left)
    for i in range(count):
        left[i, i] *= 1 + RIDGE_SHARE
        left[i, i] += RIDGE
        right[i, i] = 1
    for i in range(count):
        pivot = 1 / left[i, i]
        left[i] *= pivot
        right[i] *= pivot
        for k in range(count):
            if k != i:
                factor = left[k, i].copy()
                left[k] -= factor * left[i]
                right[k] -= factor * right[i]
    return right


def repeated(cells: NDArray[Any], steps: Sequence[int], shape: Sequence[int]) -> NDArray[Any]:
    """Return the value of its cell for each pixel of a picture of this shape."""
    cells = cells.repeat(steps[0], axis=-2).repeat(steps[1], axis=-1)
    return cells[..., : shape[0], : shape[1]]


@lru_cache(maxsize=64)
def _around(size: int, width: float) -> Array:
    """``(size, size / 2)``: from pixels averaged in pairs to a Gaussian around each pixel."""
    middles = 2 * np.arange(-(-size // 2)) + 0.5
    # Averaging in pairs has blurred by a variance of a quarter.
    return _gaussian(np.arange(size)[:, None] - middles, width**2 - 0.25)


@lru_cache(maxsize=64)
def _window(size: int, width: float) -> Array:
    """``(size, size)``."""
    places = np.arange(size)
    return _gaussian(places[:, None] - places, width**2)


def _gaussian(distance: NDArray[Any], variance: float) -> Array:
    weights = np.exp(-(distance**2) / (2 * variance))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
