"""Building stones of the synthetic head: signed distances, soft edges and smooth noise."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Field = npt.NDArray[np.float32]
Point = tuple[float, float, float]


class SmoothNoise:
    """Sum of random plane waves: band-limited noise of unit variance, defined everywhere.

    Args:
        rng: source of the wave vectors and phases.
        wavelength_mm: shortest and longest wavelength.
        count: number of waves.
    """

    def __init__(
        self, rng: np.random.Generator, wavelength_mm: tuple[float, float], count: int
    ) -> None:
        direction = rng.normal(size=(count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        self._waves = (direction * 2 * np.pi / rng.uniform(*wavelength_mm, (count, 1))).astype(
            "float32"
        )
        self._phases = rng.uniform(0, 2 * np.pi, (count, 1)).astype("float32")

    def __call__(self, points: Field) -> Field:
        """Noise at points ``(3, N)`` in mm, ``(N,)``."""
        waves = np.cos(self._waves @ points + self._phases)
        return waves.sum(axis=0) * np.float32(np.sqrt(2 / len(self._phases)))

    def distance_to_zero(self, points: Field) -> Field:
        """First-order distance in mm of points ``(3, N)`` to the noise's zero surface, ``(N,)``."""
        phase = self._waves @ points + self._phases
        value = np.cos(phase).sum(axis=0)
        gradient = self._waves.T @ np.sin(phase)
        # Where the noise is flat, the estimate would run away: the floor keeps it bounded.
        floor = np.float32(0.06) * (self._waves**2).sum()
        return np.abs(value) / np.sqrt(_squared(gradient) + floor)


def ellipsoid(points: Field, centre: Point, radii: Point) -> Field:
    """Approximate signed distance (mm, negative inside) of points ``(3, N)`` to an ellipsoid."""
    scaled = (points - _column(centre)) / _column(radii)
    length = np.sqrt(_squared(scaled)) + np.float32(1e-6)
    slope = np.sqrt(_squared(scaled / _column(radii))) + np.float32(1e-6)
    return length * (length - 1) / slope


def rod(points: Field, start: Point, end: Point, radius_mm: float) -> Field:
    """Signed distance (mm, negative inside) of points ``(3, N)`` to a rod with round ends."""
    axis = np.array(end, "float32") - np.array(start, "float32")
    offset = points - _column(start)
    along = np.clip((axis / (axis @ axis)) @ offset, 0, 1)
    return np.sqrt(_squared(offset - along * axis[:, None])) - np.float32(radius_mm)


def union(first: Field, second: Field, blend_mm: float) -> Field:
    """Union of two signed distances whose seam is rounded over ``blend_mm``."""
    overlap = np.maximum(blend_mm - np.abs(first - second), 0) / np.float32(blend_mm)
    return np.minimum(first, second) - overlap**2 * np.float32(blend_mm / 4)


def ramp(values: Field, start: float, end: float) -> Field:
    """0 at ``start``, 1 at ``end``, straight between and constant outside."""
    return np.clip((values - np.float32(start)) / np.float32(end - start), 0, 1)


class Canvas:
    """Values at a set of points, painted tissue by tissue with soft edges.

    Args:
        points: ``(3, N)`` in mm.
        tissues: value of every tissue; a tissue that is not listed does not show.
        values: ``(N,)`` to go on with; air everywhere when absent.
    """

    def __init__(
        self, points: Field, tissues: Mapping[str, float], values: Field | None = None
    ) -> None:
        self.points = points
        # Structures that exist on both sides are drawn once, on the right.
        self.mirrored = np.concatenate([np.abs(points[:1]), points[1:]])
        self.values = (
            np.full(points.shape[1], tissues["air"], "float32") if values is None else values
        )
        self._tissues = tissues

    @contextmanager
    def where(self, chosen: npt.NDArray[np.bool_]) -> Iterator[Canvas]:
        """The part of the canvas where ``chosen`` ``(N,)`` holds; what is painted there stays."""
        index = np.flatnonzero(chosen)
        part = Canvas(self.points[:, index], self._tissues, self.values[index])
        yield part
        self.values[index] = part.values

    def paint(self, tissue: str, distance: Field, edge_mm: float = 1.2) -> None:
        """Cover the inside of a surface, its edge mixed over ``edge_mm`` as in a voxel.

        Args:
            tissue: name of the tissue.
            distance: signed distance ``(N,)`` in mm, negative inside.
            edge_mm: width of the mixed edge.
        """
        if tissue in self._tissues:
            share = np.clip(0.5 - distance / np.float32(edge_mm), 0, 1)
            self.values += share * (np.float32(self._tissues[tissue]) - self.values)


def _squared(vectors: Field) -> Field:
    return np.einsum("ij,ij->j", vectors, vectors)


def _column(point: Point) -> Field:
    return np.array(point, "float32")[:, None]
