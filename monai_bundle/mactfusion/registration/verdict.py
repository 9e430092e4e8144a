"""From numbers to a verdict that a physician can act on.

Weights and thresholds were set on some hundred pairs (``docs/registration.md``, which says what
became of others); ``training.registration.verdicts`` measures pairs and fits the weights to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mactfusion.registration.evidence import Evidence

IN_PLACE, OFF, DOUBTFUL, NO_MATCH, MIRRORED, NOT_CHECKED = (
    *("in place", "off", "cannot tell", "does not match", "mirrored", "not checked"),
)
VERDICTS = (IN_PLACE, OFF, DOUBTFUL, NO_MATCH, MIRRORED, NOT_CHECKED)

WEIGHTS = {"constant": -5.0, "sidedness": 0.64, "gain": -1.36, "margin": 2.4}
GOOD, LEAST = 0.1, -3.0
"""A score from here on is good; one below the second is no match; between, it cannot be told."""

PART, GOOD_OF_A_PART = 0.5, 3.0
"""Where the partner shows less of the head than this, few blocks speak: more must speak for it."""

SOME_BLOCKS = 40
"""Likewise with fewer blocks than these: of 18 pairs of two synthetic heads with 17 to 33 blocks 10
scored above GOOD and one just above GOOD_OF_A_PART; of 9 of one head one scored below it."""

FEW_BLOCKS, GOOD_OF_FEW = 15, 4.5
"""With fewer blocks, of some 40 mm each, only very much tells anything: of 18 pairs of two
synthetic heads cut to at most 100 x 100 x 60 mm 8 scored above GOOD and one above GOOD_OF_A_PART;
of 36 of one head 5 as no match. Slabs of a patient with as few, in place, scored 4.7 to 6.3."""

SIDED, MIRRORED_BELOW = 2.0, -2.0
"""Standard errors by which the partner, or its mirror image, must match better to say so."""

LEAST_OFF_MM = 3.0
"""Nearer than this is in place even for smaller voxels: the check is about that exact."""

_MOST_SIDED = 8.0
_LEAST_GAIN = 0.01


@dataclass(frozen=True)
class Verdict:
    """What is said of a pair.

    Attributes:
        name: one of :data:`VERDICTS`.
        is_sided: whether left and right could be told apart.
        off_mm: by how much the partner is off, on average over the anatomical volume's tissue.
        off_degrees: likewise the turn.
        is_small: whether what both show is too small to be judged; the name is then
            :data:`DOUBTFUL`.
    """

    name: str
    is_sided: bool = False
    off_mm: float = math.nan
    off_degrees: float = math.nan
    is_small: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the pose that was found can be trusted."""
        return self.name in (IN_PLACE, OFF)

    @property
    def is_applicable(self) -> bool:
        """Whether the pose that was found may be applied by who accepts what is doubtful."""
        return self.is_good or self.name == DOUBTFUL


def terms(evidence: Evidence) -> dict[str, float]:
    """Return what :data:`WEIGHTS` weigh."""
    return {
        "constant": 1.0,
        "sidedness": min(max(evidence.sidedness, -_MOST_SIDED), _MOST_SIDED),
        "gain": math.log(max(evidence.gain, 0.0) + _LEAST_GAIN),
        "margin": evidence.margin,
    }


def score_of(evidence: Evidence) -> float:
    """Return how much speaks for a pose, as log odds of even chances."""
    return sum(WEIGHTS[name] * value for name, value in terms(evidence).items())


def judge(evidence: Evidence, off_mm: float, off_degrees: float, voxel_mm: float) -> Verdict:
    """Judge a pose that was found.

    Args:
        evidence: what speaks for it.
        off_mm: how far the partner is from there as it stands.
        off_degrees: likewise.
        voxel_mm: longest edge of the partner's voxels; under that it is in place.
    """
    score = score_of(evidence)
    if evidence.blocks < FEW_BLOCKS and score < GOOD_OF_FEW:
        return Verdict(DOUBTFUL, False, off_mm, off_degrees, is_small=True)
    is_whole = evidence.overlap >= PART and evidence.blocks >= SOME_BLOCKS
    good = GOOD if is_whole else GOOD_OF_A_PART
    if evidence.sidedness < MIRRORED_BELOW and evidence.margin > 0:
        name = MIRRORED
    elif score < LEAST:
        name = NO_MATCH
    elif score < good:
        name = DOUBTFUL
    else:
        name = IN_PLACE if off_mm < max(voxel_mm, LEAST_OFF_MM) else OFF
    return Verdict(name, evidence.sidedness >= SIDED, off_mm, off_degrees)
