"""Where a partner belongs, and what is to be said of it."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.progress import step_done
from mactfusion.registration.cubes import Pyramid, finest_mm
from mactfusion.registration.evidence import weigh
from mactfusion.registration.search import FINE, MIDDLE, Pair, degrees_of
from mactfusion.registration.verdict import Verdict, judge

if TYPE_CHECKING:
    from monai.data import MetaTensor

    from mactfusion.registration.linear import Matrix

STEPS = {"check": 26, "rigid": 27, "affine": 29}
"""So many times at most it is said that a step is done."""


def found_pose(
    anatomical: MetaTensor, partner: MetaTensor, register: str
) -> tuple[Verdict, tuple[float, ...], Matrix]:
    """Search the pose of a partner and judge it.

    Args:
        anatomical: ``(1, I, J, K)``, native values.
        partner: ``(C, I, J, K)``, likewise, on any grid.
        register: "check" stops at about a millimetre; "rigid" and "affine" go on on finer cubes.

    Returns:
        The verdict; what it rests on, as :class:`~mactfusion.registration.evidence.Evidence` has
        it; and the pose, 4x4, from a point of the anatomical volume to that of the partner.
    """
    mm = finest_mm(anatomical, partner)
    anatomical_cubes = Pyramid.of(anatomical, mm)
    step_done()
    pair = Pair(anatomical_cubes, Pyramid.of(partner, mm))
    pose = pair.search()
    evidence = weigh(pair, pose)
    voxel_mm = float(np.linalg.norm(partner.affine.double().cpu().numpy()[:3, :3], axis=0).max())
    verdict = judge(evidence, pair.moved_mm(pose), degrees_of(pose), voxel_mm)
    if register != "check" and verdict.is_applicable:
        pose = pair.climbed(pose, FINE, step_mm=1.0, steps=30)
        if register == "affine":
            affine = pair.climbed(pose, MIDDLE, step_mm=0.5, steps=200, affine=True)
            affine = pair.climbed(affine, FINE, step_mm=0.5, steps=60, affine=True)
            pose = max(affine, pose, key=pair.information)
    return verdict, astuple(evidence), pose
