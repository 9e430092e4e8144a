"""The pose of a partner: mutual information from several starts, coarse to fine.

SimpleITK climbs from each start on the coarsest cubes; blocks (:mod:`.blocks`) then lead from the
best of these to where the volumes match, in few and long steps, where gradients of mutual
information alone often stop on the way (docs/adr/0018-registration.md); SimpleITK has the last word
on fine cubes.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK

from mactfusion.progress import step_done
from mactfusion.registration.blocks import LEAST_BLOCKS, Blocks, match_blocks, rigid_motion
from mactfusion.registration.cubes import LEVELS, Cubes, Pyramid
from mactfusion.registration.information import Counted, looked_up, normalised_information
from mactfusion.registration.linear import from_itk, to_itk

if TYPE_CHECKING:
    import numpy.typing as npt

    from mactfusion.registration.linear import Matrix

FINE, MIDDLE, COARSE = range(LEVELS)
_TURN_DEGREES = 20.0
_KEPT = 5
"""So many of the poses that were climbed to are gone on with."""

_SAME = 4.0
"""Poses are one where no number of their matrices differs by more."""

_ROUNDS = {COARSE: 6, MIDDLE: 4}
"""So often blocks are followed at most."""

_STILL_MM = 0.2
_SAMPLED, _SEED = 60_000, 1
_RAS_OF_LPS = np.array([-1.0, -1.0, 1.0])


class Pair:
    """An anatomical volume and a partner, and the search for the partner's pose.

    A pose is a 4x4 from a point of the anatomical volume to that of the partner, RAS+ millimetres.

    Args:
        anatomical: its cubes.
        partner: likewise.
    """

    def __init__(self, anatomical: Pyramid, partner: Pyramid) -> None:
        self.anatomical = anatomical
        self.partner = partner
        self._counted = [Counted.of(cubes) for cubes in anatomical.levels]

    def with_partner(self, partner: Pyramid) -> Pair:
        """Return the same anatomical volume with another partner."""
        other = copy(self)
        other.partner = partner
        return other

    def information(self, pose: Matrix, level: int = MIDDLE) -> float:
        """See :func:`~mactfusion.registration.information.normalised_information`."""
        return normalised_information(self._counted[level], self.partner.levels[level], pose)

    def blocks(self, pose: Matrix, level: int = MIDDLE, reach: int = 2) -> Blocks:
        """See :func:`~mactfusion.registration.blocks.match_blocks`."""
        return match_blocks(
            self.anatomical.levels[level],
            self._counted[level],
            self.partner.levels[level],
            pose,
            level,
            reach,
        )

    def overlap(self, pose: Matrix) -> float:
        """Return the share of the anatomical volume's tissue that the partner shows, 0 to 1."""
        _, is_inside = looked_up(self.partner.levels[MIDDLE], pose @ self.anatomical.points_mm)
        return float(is_inside.mean())

    def moved_mm(self, motion: Matrix) -> float:
        """Return by how much a motion moves the anatomical volume's tissue, on average."""
        points = self.anatomical.points_mm
        return float(np.linalg.norm(((motion - np.eye(4)) @ points)[:3], axis=0).mean())

    def search(self) -> Matrix:
        """Find the pose to about a millimetre."""
        climbed = [self.climbed(start, COARSE, step_mm=8.0, steps=60) for start in self._starts()]
        climbed.sort(key=lambda pose: -self.information(pose, COARSE))
        kept: list[Matrix] = []
        for pose in climbed:
            if len(kept) < _KEPT and all(np.abs(pose - other).max() > _SAME for other in kept):
                kept.append(pose)
        led = [self._led(pose, COARSE) for pose in kept]
        return self._settled(max(led, key=lambda pose: self.information(pose, COARSE)))

    def nearest(self, pose: Matrix) -> Matrix:
        """Find the best pose near one, likewise."""
        return self._settled(self._led(pose, COARSE))

    def _settled(self, pose: Matrix) -> Matrix:
        """Go on from where the blocks of the coarse cubes led."""
        pose = self._led(pose, MIDDLE)
        climbed = self.climbed(pose, MIDDLE, step_mm=1.0, steps=30)
        return max(climbed, pose, key=self.information)

    def climbed(
        self, pose: Matrix, level: int, step_mm: float, steps: int, affine: bool = False
    ) -> Matrix:
        """Climb from a pose to a maximum of Mattes' mutual information.

        Args:
            pose: the start; returned as it is where the volumes have too little in common there.
            level: of the cubes.
            step_mm: length of the first step.
            steps: at most.
            affine: twelve degrees of freedom instead of six.
        """
        step_done()
        fixed, moving = self.anatomical.levels[level], self.partner.levels[level]
        transform = SimpleITK.AffineTransform(3) if affine else SimpleITK.Euler3DTransform()
        _about(transform, pose, self.anatomical.tissue_mm)
        method = SimpleITK.ImageRegistrationMethod()
        method.SetNumberOfWorkUnits(1)  # the same sums, and so the same result, on every machine
        method.SetMetricAsMattesMutualInformation(32 if level < COARSE else 24)
        method.SetInterpolator(SimpleITK.sitkLinear)
        method.SetMetricFixedMask(_image(fixed.counted.astype(np.uint8), fixed))
        method.SetMetricMovingMask(_image(moving.measured.astype(np.uint8), moving))
        count = int(fixed.counted.sum())
        if count > _SAMPLED:
            method.SetMetricSamplingStrategy(method.REGULAR)
            method.SetMetricSamplingPercentage(_SAMPLED / count, _SEED)
        method.SetOptimizerAsRegularStepGradientDescent(
            step_mm, 0.02 if level < COARSE else 0.05, steps, 0.7, 1e-8
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        try:
            method.Execute(_image(fixed.values, fixed), _image(moving.values, moving))
        except RuntimeError:  # the volumes have too little in common at this pose
            return pose
        return from_itk(transform)

    def _led(self, pose: Matrix, level: int) -> Matrix:
        """Follow the blocks until they stay where they are."""
        step_done()
        mm = self.anatomical.levels[level].mm
        for _ in range(_ROUNDS[level]):
            blocks = self.blocks(pose, level)
            if len(blocks) < LEAST_BLOCKS:
                break
            motion = rigid_motion(blocks, mm)
            pose = pose @ motion
            if self.moved_mm(motion) < _STILL_MM:
                break
        return pose

    def _starts(self) -> list[Matrix]:
        """The present pose, centres on centres, and turns about the centre of the tissue."""
        centre = self.anatomical.tissue_mm
        on_tissue = self.partner.tissue_mm - centre
        on_centre = self.partner.centre_mm - self.anatomical.centre_mm
        turns = np.vstack([np.eye(3), -np.eye(3)]) * _TURN_DEGREES
        return [
            np.eye(4),
            motion_about(centre, np.zeros(3), on_tissue),
            motion_about(centre, np.zeros(3), on_centre),
            *(motion_about(centre, turn, on_tissue) for turn in turns),
        ]


def motion_about(
    centre: npt.NDArray[np.float64],
    degrees: npt.NDArray[np.float64],
    shift_mm: npt.NDArray[np.float64],
) -> Matrix:
    """Return a rigid motion: a turn about a centre (rotation vector), then a shift."""
    motion = np.eye(4)
    angle = float(np.linalg.norm(degrees))
    if angle:
        turn = SimpleITK.VersorTransform(degrees.tolist(), np.deg2rad(angle))
        motion[:3, :3] = np.reshape(turn.GetMatrix(), (3, 3))
    motion[:3, 3] = centre - motion[:3, :3] @ centre + shift_mm
    return motion


def degrees_of(pose: Matrix) -> float:
    """Return by how much a pose turns, 0 to 180 degrees; of an affine one its nearest turn."""
    left, _, right = np.linalg.svd(pose[:3, :3])
    return float(np.rad2deg(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


def _image(values: npt.NDArray, cubes: Cubes) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing([cubes.mm] * 3)
    image.SetDirection(np.diag(_RAS_OF_LPS).ravel().tolist())
    image.SetOrigin((cubes.affine[:3, 3] * _RAS_OF_LPS).tolist())
    return image


def _about(
    transform: SimpleITK.AffineTransform | SimpleITK.Euler3DTransform,
    pose: Matrix,
    centre_mm: npt.NDArray[np.float64],
) -> None:
    """Set a rigid or affine transform of ITK to a pose, its turns being about a centre in RAS+."""
    itk = to_itk(pose)
    matrix = np.array(itk.GetMatrix()).reshape(3, 3)
    centre = centre_mm * _RAS_OF_LPS
    transform.SetCenter(centre.tolist())
    transform.SetMatrix(matrix.ravel().tolist())
    transform.SetTranslation((itk.GetTranslation() + matrix @ centre - centre).tolist())
