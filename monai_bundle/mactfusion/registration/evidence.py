"""What speaks for a pose: numbers from which :mod:`.verdict` judges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.registration.blocks import LEAST_BLOCKS, Blocks
from mactfusion.registration.search import COARSE, Pair, motion_about

if TYPE_CHECKING:
    import numpy.typing as npt

    from mactfusion.registration.linear import Matrix

_AWAY_MM, _AWAY_DEGREES = 10.0, 12.0
_MIRRORED_TURN_DEGREES = 8.0
_REACH = 3
_LEAST, _MOST_GAIN = 1e-6, 10.0


@dataclass(frozen=True)
class Evidence:
    """What was measured at a pose.

    The verdict rests on margin, sidedness, gain, overlap and blocks; the others are for the record.

    Attributes:
        information: normalised mutual information less 1.
        margin: by how much that exceeds the best of twelve poses some way off, as a share of it.
        sidedness: by how many standard errors the blocks match the partner better than its mirror
            image in that one's own best pose. Heads are unlike left and right, each in its own way:
            about 0 says that the volumes share nothing of that, as those of two patients, or that
            they show no difference between left and right; well below 0 that one is mirrored.
        gain: by how much single blocks would match better elsewhere, as a share.
        apart_mm: how far away that is, as a median; blocks that tell more count more.
        overlap: share of the anatomical volume's tissue that the partner shows, 0 to 1.
        blocks: how many the sidedness and the gain rest on.
    """

    information: float
    margin: float
    sidedness: float
    gain: float
    apart_mm: float
    overlap: float
    blocks: float = math.inf


def weigh(pair: Pair, pose: Matrix) -> Evidence:
    """Measure what speaks for a pose.

    Args:
        pair: the volumes.
        pose: 4x4, from a point of the anatomical volume to that of the partner.
    """
    information = pair.information(pose)
    away = max(pair.information(pose @ motion) for motion in _away(pair))
    blocks = pair.blocks(pose, reach=_REACH)
    mirrored, mirrored_pose = _mirrored(pair, pose)
    gain = float(np.average(blocks.gains, weights=blocks.weights)) if len(blocks) else math.inf
    score = float(np.average(blocks.scores, weights=blocks.weights)) if len(blocks) else 0.0
    return Evidence(
        information=information,
        margin=(information - away) / max(information, _LEAST),
        sidedness=_sidedness(blocks, mirrored.blocks(mirrored_pose, reach=1)),
        gain=min(gain / max(score, _LEAST), _MOST_GAIN),
        apart_mm=_median(np.linalg.norm(blocks.shifts_mm, axis=1), blocks.weights),
        overlap=pair.overlap(pose),
        blocks=len(blocks),
    )


def _sidedness(blocks: Blocks, mirrored: Blocks) -> float:
    """Return the mean difference of the scores of the same blocks, in its standard errors."""
    _, own, other = np.intersect1d(blocks.numbers, mirrored.numbers, return_indices=True)
    if len(own) < LEAST_BLOCKS:
        return 0.0
    difference = blocks.scores[own] - mirrored.scores[other]
    return float(difference.mean() / max(difference.std(), _LEAST) * math.sqrt(len(own)))


def _median(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    """Return the weighted median; infinite of nothing."""
    if not len(values):
        return math.inf
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _away(pair: Pair) -> list[Matrix]:
    """Return twelve motions: to and fro along each axis, and about it."""
    centre, none = pair.anatomical.tissue_mm, np.zeros(3)
    ways = np.vstack([np.eye(3), -np.eye(3)])
    return [motion_about(centre, none, way * _AWAY_MM) for way in ways] + [
        motion_about(centre, way * _AWAY_DEGREES, none) for way in ways
    ]


def _mirrored(pair: Pair, pose: Matrix) -> tuple[Pair, Matrix]:
    """Return the pair with the partner mirrored left to right, and its own best pose.

    A pose of the mirrored partner is one of the partner between two mirrors: the search starts
    where the mirrored head lies on the head, and turns a little to each side.
    """
    mirrored = pair.with_partner(pair.partner.mirrored())
    start = pair.partner.mirror @ pose @ _mirror_at(pair.anatomical.tissue_mm[0])
    turns = _MIRRORED_TURN_DEGREES * np.array(
        [[0, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
    )
    centre, none = pair.anatomical.tissue_mm, np.zeros(3)
    starts = [start @ motion_about(centre, turn, none) for turn in turns]
    best = max(starts, key=lambda each: mirrored.information(each, COARSE))
    return mirrored, mirrored.nearest(best)


def _mirror_at(x_mm: float) -> Matrix:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirror[0, 3] = 2 * x_mm
    return mirror
