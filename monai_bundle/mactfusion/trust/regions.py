"""Marked cells become regions that one can go to: place in the patient, size, share kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np
import SimpleITK

from mactfusion.transforms.volume import is_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monai.data import MetaTensor
    from numpy.typing import NDArray

MOST_LISTED = 50
"""Of a result, those that lost most first."""
LEAST_PEAK = 0.02
"""Root mean square of structure, of black to white, that a region reaches somewhere; what is
fainter all over is on the map alone."""
LEAST_CELLS = 2
STRUCTURE_STEPS, KEPT_STEPS = 500, 100
"""Parts of 1 in which structure, and the share of it that was kept, are held: in 8 bits."""
MILLIMETRES, PIXELS = "mm", "pixels"

LOST, INVENTED, AVERAGED = "lost", "invented", "averaged away"
FUSED = "fused"
"""What the source of something invented is called."""


class Region(TypedDict):
    """Something that a fused picture does not show as its source does."""

    kind: str
    """"lost"; "invented", which no source has; or "averaged away" when a partner was brought onto
    a coarser grid."""
    source: str
    """"anatomical", or the role of a partner as in the record; "fused" of what is invented."""
    position: list[float]
    """Of its strongest place: RAS in mm, or column and row of a picture."""
    size: float
    """Its longest side."""
    unit: str
    """Of the size: "mm", or "pixels" of a picture."""
    kept: float
    """Share of its structure in the fused picture, 0 to 1; 0 of what is invented."""


class Place(NamedTuple):
    """Where cells lie.

    Attributes:
        affine: 4x4 from (slice, row, column) in pixels to the position.
        steps: pixels in a cell, along rows and columns.
        unit: of a size.
    """

    affine: NDArray[np.float64]
    steps: Sequence[int]
    unit: str


def find_regions(
    kind: str,
    source: str,
    is_marked: NDArray[np.bool_],
    structure: NDArray[np.uint8],
    kept: NDArray[np.uint8],
    place: Place,
) -> list[tuple[float, Region]]:
    """Put marked cells that touch together, and describe them.

    Args:
        kind: of all of them.
        source: likewise.
        is_marked: ``(slices, rows, columns)`` in cells.
        structure: see :func:`in_8_bits`, likewise.
        kept: likewise.
        place: of the cells.

    Returns:
        What is lost of each, as a sum, and the region; the most first.
    """
    if not is_marked.any():
        return []
    image = SimpleITK.GetImageFromArray(is_marked.astype(np.uint8))
    labelled = SimpleITK.ConnectedComponent(image, True)
    labels = SimpleITK.GetArrayViewFromImage(labelled)
    places = np.argwhere(is_marked)
    numbers = labels[is_marked]
    order = np.argsort(numbers, kind="stable")
    places, numbers = places[order], numbers[order]
    strength = structure[is_marked][order] / STRUCTURE_STEPS
    shares = kept[is_marked][order] / KEPT_STEPS
    starts = np.flatnonzero(np.diff(numbers, prepend=0))
    ends = np.append(starts[1:], len(numbers))
    peaks = np.maximum.reduceat(strength, starts)
    sums = np.add.reduceat(strength, starts)
    kept_sums = np.add.reduceat(strength * shares, starts)
    low, high = (extreme.reduceat(places, starts) for extreme in (np.minimum, np.maximum))
    cell = np.array([1, *place.steps], np.float64)
    sides = (high - low + 1) * cell * np.linalg.norm(place.affine[:3, :3], axis=0)
    is_listed = (peaks >= LEAST_PEAK) & (ends - starts >= LEAST_CELLS)
    found = []
    for number in np.flatnonzero(is_listed):
        part = slice(starts[number], ends[number])
        strongest = places[part][int(strength[part].argmax())]
        middle = strongest * cell + (cell - 1) / 2
        position = place.affine[:3, :3] @ middle + place.affine[:3, 3]
        region = Region(
            kind=kind,
            source=source,
            position=[round(float(value), 1) for value in position[: 2 if is_flat(place) else 3]],
            size=round(float(sides[number].max()), 1),
            unit=place.unit,
            kept=round(float(kept_sums[number] / sums[number]), 2),
        )
        found.append((float(sums[number] - kept_sums[number]), region))
    return sorted(found, key=lambda one: -one[0])


def is_flat(place: Place) -> bool:
    """Tell whether the cells are those of a picture, whose positions are column and row."""
    return place.unit == PIXELS


def place_of(image: MetaTensor, steps: Sequence[int]) -> Place:
    """Return where the cells of a volume that is cut into slices lie.

    Args:
        image: ``(C, slices, rows, columns)``; of a picture, column and row take the place of mm.
        steps: pixels in a cell.
    """
    if not is_picture(image):
        return Place(image.affine.double().numpy(), steps, MILLIMETRES)
    column_and_row = np.zeros((4, 4))
    column_and_row[0, 2] = column_and_row[1, 1] = column_and_row[2, 0] = 1
    return Place(column_and_row, steps, PIXELS)


def in_8_bits(values: NDArray[np.float32], steps: int) -> NDArray[np.uint8]:
    """Round values to whole parts of ``steps``, at most 255 of them."""
    return np.minimum(np.rint(values * steps), 255).astype(np.uint8)
