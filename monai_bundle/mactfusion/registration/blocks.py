"""Blocks of the anatomical volume, each matched with the partner on its own.

At a pose, the joint histogram of all blocks says how well a value of one volume goes with a value
of the other; each block is then moved by some cubes to where its values go best with the
partner's. One rigid motion fits all those shifts where both volumes show one patient; what is left
tells of another patient, or of nothing in common.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mactfusion.registration.information import (
    BINS,
    LEAST_CUBES,
    Counted,
    joint_histogram,
    looked_up,
    pointwise_information,
)

if TYPE_CHECKING:
    from mactfusion.registration.cubes import Cubes
    from mactfusion.registration.linear import Matrix

Points = npt.NDArray[np.float64]

LEAST_BLOCKS = 6
_EDGE = (20, 10, 5)
"""Cubes along the edge of a block, by level: about 40 mm of a head."""

_SEEN = 0.6
_FULL = 0.4


@dataclass(frozen=True)
class Blocks:
    """What was found for each block.

    Attributes:
        numbers: ``(N,)``, which block; the same at every pose.
        centres_mm: ``(N, 3)``.
        shifts_mm: ``(N, 3)``, from where the block is to where it matches best.
        weights: ``(N,)``, how clearly.
        scores: ``(N,)``, mean pointwise information where it is.
        gains: ``(N,)``, by how much that is higher where it matches best.
    """

    numbers: npt.NDArray[np.int64]
    centres_mm: Points
    shifts_mm: Points
    weights: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    gains: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weights)


def match_blocks(
    anatomical: Cubes, counted: Counted, partner: Cubes, pose: Matrix, level: int, reach: int
) -> Blocks:
    """Match the blocks at a pose.

    Args:
        anatomical: one level of the volume.
        counted: its cubes that count.
        partner: the same level of the partner.
        pose: 4x4, from a point of the anatomical volume to that of the partner.
        level: which.
        reach: so many cubes to each side are tried.
    """
    bins, is_inside, size = _around(anatomical, partner, pose, reach)
    first = np.ravel_multi_index(tuple(counted.places.T), size)
    strides = np.array([size[1] * size[2], size[2], 1])
    here = first + strides.sum() * reach
    seen = is_inside[here]
    if seen.sum() < LEAST_CUBES:
        return _none()
    table = pointwise_information(joint_histogram(counted.bins[seen], bins[here][seen])).ravel()
    rows = counted.bins * BINS
    number, count = counted.blocks(_EDGE[level])
    width = 2 * reach + 1
    scores, weight = np.zeros((2, width, width, width, len(count)))
    for step in itertools.product(range(width), repeat=3):
        there = first + np.dot(strides, step)
        inside = is_inside[there]
        found = table[rows + bins[there]]
        found[~inside] = 0
        scores[step] = np.bincount(number, found, minlength=len(count))
        weight[step] = np.bincount(number, inside, minlength=len(count))
    scores /= np.maximum(weight, 1)
    is_used = (count > _FULL * count.max()) & (weight[reach, reach, reach] > _SEEN * count)
    clear = scores.reshape(-1, len(count)).std(axis=0)
    chosen = np.flatnonzero(is_used & (clear > 0))
    if not len(chosen):
        return _none()
    sums = [np.bincount(number, axis, minlength=len(count)) for axis in counted.points_mm[:3]]
    centres = (np.array(sums) / count).T[chosen]
    shifts = np.array([_best(scores[..., block], reach) for block in chosen]) * anatomical.mm
    here_score = scores[reach, reach, reach, chosen]
    gains = scores[..., chosen].reshape(-1, len(chosen)).max(axis=0) - here_score
    return Blocks(chosen, centres, shifts, clear[chosen] ** 2 * count[chosen], here_score, gains)


def _none() -> Blocks:
    return Blocks(
        np.zeros(0, np.int64),
        np.zeros((0, 3)),
        np.zeros((0, 3)),
        np.zeros(0),
        np.zeros(0),
        np.zeros(0),
    )


def _around(
    anatomical: Cubes, partner: Cubes, pose: Matrix, reach: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], tuple[int, ...]]:
    """Return the partner's bins on the cubes of the anatomical volume and some around, flat."""
    shape = tuple(size + 2 * reach for size in anatomical.values.shape)
    index = np.indices(shape).reshape(3, -1) - reach
    points = anatomical.affine @ np.vstack([index, np.ones((1, index.shape[1]))])
    bins, is_inside = looked_up(partner, pose @ points)
    return bins, is_inside, shape


def _best(scores: Points, reach: int) -> list[float]:
    """Return the shift of the best score, in cubes, between the cubes by a parabola."""
    place = np.unravel_index(int(scores.argmax()), scores.shape)
    shift = []
    for axis, at in enumerate(place):
        line = scores[tuple(slice(None) if k == axis else p for k, p in enumerate(place))]
        between = 0.0
        if 0 < at < 2 * reach:
            below, here, above = line[at - 1 : at + 2]
            curve = below - 2 * here + above
            between = 0.5 * (below - above) / curve if curve < 0 else 0.0
        shift.append(float(at - reach + between))
    return shift


def rigid_motion(blocks: Blocks, mm: float) -> Matrix:
    """Return the rigid motion that fits the shifts best; blocks that go elsewhere count less.

    Args:
        blocks: two or more.
        mm: edge of a cube.

    Returns:
        4x4 in RAS+ millimetres, from where the blocks are to where they match.
    """
    start, end = blocks.centres_mm, blocks.centres_mm + blocks.shifts_mm
    weight = blocks.weights / blocks.weights.sum()
    for _ in range(4):
        middle = np.average(start, axis=0, weights=weight)
        moved = np.average(end, axis=0, weights=weight)
        left, _, right = np.linalg.svd((start - middle).T @ ((end - moved) * weight[:, None]))
        turn = right.T @ np.diag([1, 1, np.linalg.det(right.T @ left.T)]) @ left.T
        motion = np.eye(4)
        motion[:3, :3] = turn
        motion[:3, 3] = moved - turn @ middle
        rest = np.linalg.norm(end - moved - (start - middle) @ turn.T, axis=1)
        weight = blocks.weights / (1 + (rest / (1.5 * mm)) ** 2)
    return motion
