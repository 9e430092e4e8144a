"""What speaks for a pose: numbers from which :mod:`.verdict` judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.registration.blocks import LEAST_BLOCKS, stretch
from mactfusion.registration.search import COARSE, MIDDLE, Pair, motion_about

if TYPE_CHECKING:
    from mactfusion.registration.linear import Matrix

_AWAY_MM, _AWAY_DEGREES = 10.0, 12.0
_MIRRORED_TURN_DEGREES = 8.0
_REACH = 3


@dataclass(frozen=True)
class Evidence:
    """What was measured at a pose.

    Attributes:
        information: normalised mutual information less 1.
        margin: by how much that exceeds the best of twelve poses some way off.
        unlike_mirrored: by how much it exceeds that of the partner mirrored left to right, brought
            into its own best pose; below 0 the mirrored partner fits better.
        stretch: by how much single blocks would stretch or shrink to match better, as a share.
        apart_mm: median by which single blocks match better elsewhere.
        overlap: share of the anatomical volume's tissue that the partner shows, 0 to 1.
    """

    information: float
    margin: float
    unlike_mirrored: float
    stretch: float
    apart_mm: float
    overlap: float


def weigh(pair: Pair, pose: Matrix) -> Evidence:
    """Measure what speaks for a pose.

    Args:
        pair: the volumes.
        pose: 4x4, from a point of the anatomical volume to that of the partner.
    """
    information = pair.information(pose)
    away = max(pair.information(pose @ motion) for motion in _away(pair))
    blocks = pair.blocks(pose, reach=_REACH)
    enough = len(blocks) >= LEAST_BLOCKS
    return Evidence(
        information=information,
        margin=information - away,
        unlike_mirrored=information - _mirrored_information(pair, pose),
        stretch=stretch(blocks, pair.anatomical.levels[MIDDLE].mm) if enough else float("nan"),
        apart_mm=float(np.median(np.linalg.norm(blocks.shifts_mm, axis=1)))
        if enough
        else float("nan"),
        overlap=pair.overlap(pose),
    )


def _away(pair: Pair) -> list[Matrix]:
    """Return twelve motions: to and fro along each axis, and about it."""
    centre, none = pair.anatomical.tissue_mm, np.zeros(3)
    ways = np.vstack([np.eye(3), -np.eye(3)])
    return [motion_about(centre, none, way * _AWAY_MM) for way in ways] + [
        motion_about(centre, way * _AWAY_DEGREES, none) for way in ways
    ]


def _mirrored_information(pair: Pair, pose: Matrix) -> float:
    """Return the information of the partner mirrored left to right, at its own best pose.

    A pose of the mirrored partner is one of the partner between two mirrors: the search starts
    where the mirrored head lies on the head, and turns a little to each side.
    """
    mirrored = Pair(pair.anatomical, pair.partner.mirrored())
    start = pair.partner.mirror @ pose @ _mirror_at(pair.anatomical.tissue_mm[0])
    turns = _MIRRORED_TURN_DEGREES * np.array(
        [[0, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
    )
    centre, none = pair.anatomical.tissue_mm, np.zeros(3)
    starts = [start @ motion_about(centre, turn, none) for turn in turns]
    best = max(starts, key=lambda each: mirrored.information(each, COARSE))
    return mirrored.information(mirrored.led(best))


def _mirror_at(x_mm: float) -> Matrix:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirror[0, 3] = 2 * x_mm
    return mirror
