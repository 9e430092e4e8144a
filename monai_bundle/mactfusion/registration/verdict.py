"""From numbers to a verdict that a physician can act on.

The thresholds were set on one half of some hundred pairs and tried on the other, which comes from
other sources (``docs/registration.md``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mactfusion.registration.evidence import Evidence

IN_PLACE, OFF, DOUBTFUL, NO_MATCH, MIRRORED, NOT_CHECKED = (
    "in place",
    "off",
    "cannot tell",
    "does not match",
    "mirrored",
    "not checked",
)
VERDICTS = (IN_PLACE, OFF, DOUBTFUL, NO_MATCH, MIRRORED, NOT_CHECKED)

GOOD_MARGIN, LEAST_MARGIN = 0.012, 0.005
MIRRORED_MARGIN, SIDED_MARGIN = -0.0015, 0.0015
MOST_STRETCH = 0.045
LEAST_OFF_MM = 3.0


@dataclass(frozen=True)
class Verdict:
    """What is said of a pair.

    Attributes:
        name: one of :data:`VERDICTS`.
        is_sided: whether left and right could be told apart.
        off_mm: by how much the partner is off, on average over the anatomical volume's tissue.
        off_degrees: likewise the turn.
    """

    name: str
    is_sided: bool = False
    off_mm: float = math.nan
    off_degrees: float = math.nan

    @property
    def is_applicable(self) -> bool:
        """Whether the pose that was found may be applied by who accepts what is doubtful."""
        return self.is_good or self.name == DOUBTFUL

    @property
    def is_good(self) -> bool:
        """Whether the pose that was found can be trusted."""
        return self.name in (IN_PLACE, OFF)


def judge(evidence: Evidence, off_mm: float, off_degrees: float, voxel_mm: float) -> Verdict:
    """Judge a pose that was found.

    Args:
        evidence: what speaks for it.
        off_mm: how far the partner is from there as it stands.
        off_degrees: likewise.
        voxel_mm: longest edge of the partner's voxels; under that it is in place.
    """
    is_sided = evidence.unlike_mirrored > SIDED_MARGIN
    if evidence.margin < LEAST_MARGIN:
        name = NO_MATCH
    elif evidence.unlike_mirrored < MIRRORED_MARGIN:
        name = MIRRORED
    elif evidence.margin < GOOD_MARGIN or not evidence.stretch < MOST_STRETCH:
        name = DOUBTFUL
    else:
        name = IN_PLACE if off_mm < max(voxel_mm, LEAST_OFF_MM) else OFF
    return Verdict(name, is_sided, off_mm, off_degrees)
