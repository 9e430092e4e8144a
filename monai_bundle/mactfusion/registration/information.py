"""What two volumes tell of each other at a pose of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from mactfusion.registration.cubes import Cubes, Mask, Values
    from mactfusion.registration.linear import Matrix

BINS = 16
LEAST_CUBES = 500
"""With fewer in common nothing can be told."""

Numbers = npt.NDArray[np.int64]

_APART = np.subtract.outer(np.arange(BINS), np.arange(BINS))
_SMOOTH = np.exp(-(_APART**2) / 2)
_SMOOTH /= _SMOOTH.sum(axis=0)
"""Spreads what a bin counts over its neighbours, by a standard deviation of one bin."""


@dataclass(frozen=True)
class Counted:
    """The cubes of the anatomical volume that count.

    Attributes:
        places: ``(N, 3)``, their indices.
        points_mm: ``(4, N)``, their centres in RAS+ millimetres, the last row 1.
        bins: ``(N,)``, 0 to :data:`BINS` - 1.
    """

    places: Numbers
    points_mm: npt.NDArray[np.float64]
    bins: Numbers

    @classmethod
    def of(cls, cubes: Cubes) -> Counted:
        """Collect them."""
        places = np.argwhere(cubes.counted)
        points_mm = cubes.affine @ np.c_[places, np.ones(len(places))].T
        return cls(places, points_mm, binned(cubes.values[cubes.counted]))

    def some(self, count: int) -> Counted:
        """Return about so many of them, evenly spread."""
        step = max(1, len(self.bins) // count)
        return Counted(self.places[::step], self.points_mm[:, ::step], self.bins[::step])

    def blocks(self, edge: int) -> tuple[Numbers, npt.NDArray[np.float64]]:
        """Cut into blocks of so many cubes along each edge.

        Returns:
            The number of the block of each cube, and how many cubes each block has.
        """
        place = self.places // edge
        flat = np.ravel_multi_index(tuple(place.T), tuple(place.max(axis=0) + 1))
        _, number, count = np.unique(flat, return_inverse=True, return_counts=True)
        return number, count.astype(float)


def binned(values: npt.NDArray[np.float32]) -> Numbers:
    """Sort values from 0 to 1 into bins."""
    return np.clip(values * BINS, 0, BINS - 1).astype(np.int64)


def looked_up(cubes: Cubes, points_mm: npt.NDArray[np.float64]) -> tuple[Numbers, Mask]:
    """Return the bins of a volume at some points, and which points it was measured at.

    Args:
        cubes: one level of it.
        points_mm: ``(4, N)`` in RAS+ millimetres.
    """
    index = np.linalg.solve(cubes.affine, points_mm)[:3]
    ends = np.array(cubes.values.shape)[:, None]
    values = _interpolated(cubes.values, index / np.maximum(ends - 1, 1) * 2 - 1)
    nearest = np.rint(index).astype(int)
    is_inside = ((nearest >= 0) & (nearest < ends)).all(axis=0)
    is_inside &= cubes.measured[tuple(np.clip(nearest, 0, ends - 1))]
    return binned(values), is_inside


def _interpolated(values: Values, place: npt.NDArray[np.float64]) -> Values:
    """Interpolate linearly; ``place`` is ``(3, N)``, from -1 at the first cube to 1 at the last."""
    grid = torch.from_numpy(place[::-1].T.astype(np.float32))[None, None, None]
    volume = torch.from_numpy(values)[None, None]
    found = functional.grid_sample(volume, grid, padding_mode="border", align_corners=True)
    return found[0, 0, 0, 0].numpy()


def joint_histogram(first: Numbers, second: Numbers) -> npt.NDArray[np.float64]:
    """Count the pairs of bins, ``(BINS, BINS)``."""
    pairs = np.bincount(first * BINS + second, minlength=BINS * BINS)
    return pairs.reshape(BINS, BINS).astype(np.float64)


def normalised_information(anatomical: Counted, partner: Cubes, pose: Matrix) -> float:
    """Return Studholme's normalised mutual information less 1: 0 for volumes that are unrelated.

    Args:
        anatomical: its cubes that count.
        partner: one level of the partner.
        pose: 4x4, from a point of the anatomical volume to that of the partner.
    """
    bins, is_inside = looked_up(partner, pose @ anatomical.points_mm)
    if is_inside.sum() < LEAST_CUBES:
        return 0.0
    share = joint_histogram(anatomical.bins[is_inside], bins[is_inside]) / is_inside.sum()
    together = _entropy(share.ravel())
    return (_entropy(share.sum(axis=1)) + _entropy(share.sum(axis=0))) / max(together, 1e-9) - 1


def _entropy(shares: npt.NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def pointwise_information(histogram: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how much more often than by chance each pair of bins occurs, as a logarithm."""
    smooth = _SMOOTH @ (histogram + 0.5) @ _SMOOTH.T
    share = smooth / smooth.sum()
    return np.log(share / (share.sum(axis=1, keepdims=True) * share.sum(axis=0, keepdims=True)))
