"""The pose of a partner: mutual information from several starts, coarse to fine.

SimpleITK climbs from the most promising of many starts on the coarsest cubes; blocks
(:mod:`.blocks`) then lead from the best of these to where the volumes match, in few and long steps,
where gradients of mutual information alone often stop on the way (docs/adr/0018-registration.md);
SimpleITK has the last word on fine cubes. A slab is searched from its own side too.
"""

from __future__ import annotations

import itertools
from copy import copy
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK

from mactfusion.progress import step_done
from mactfusion.registration.blocks import LEAST_BLOCKS, Blocks, match_blocks, rigid_motion
from mactfusion.registration.cubes import LEVELS, Cubes, Pyramid
from mactfusion.registration.information import Counted, looked_up, normalised_information
from mactfusion.registration.linear import from_itk, to_itk
from mactfusion.registration.verdict import PART

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from mactfusion.registration.linear import Matrix

FINE, MIDDLE, COARSE = range(LEVELS)
_TURN_DEGREES = 20.0
_SHIFTS_MM = (-40.0, -20.0, 0.0, 20.0, 40.0)
_KEPT = {COARSE: (4, 3, 1), MIDDLE: (6, 4, 2)}
"""So many poses are climbed from, led by blocks, and settled, by the level that they start on."""

_SAME = 4.0
"""Poses are one where no number of their matrices differs by more."""

_ROUNDS = {COARSE: 6, MIDDLE: 4}
"""So often blocks are followed at most."""

_REACH = {COARSE: 2, MIDDLE: 1}
"""Cubes to each side by which blocks are moved."""

_STILL_MM = 0.2
_COMPARED = 20_000
"""Cubes from which the information of a pose is counted."""

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
        self._some = [counted.some(_COMPARED) for counted in self._counted]

    def with_partner(self, partner: Pyramid) -> Pair:
        """Return the same anatomical volume with another partner."""
        other = copy(self)
        other.partner = partner
        return other

    def information(self, pose: Matrix, level: int = MIDDLE) -> float:
        """See :func:`~mactfusion.registration.information.normalised_information`."""
        return normalised_information(self._some[level], self.partner.levels[level], pose)

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
        pose = self._searched(COARSE)
        if self.overlap(pose) >= PART:
            return pose
        # Of a slab all cubes lie within the head, wherever it is tried: they tell more surely.
        swapped = Pair(self.partner, self.anatomical)._searched(MIDDLE)
        other = np.linalg.inv(swapped).astype(np.float64)
        return max(pose, other, key=self.information)

    def _searched(self, level: int) -> Matrix:
        """Search on from poses that are climbed from on one level, COARSE or MIDDLE."""
        of_starts, of_climbed, of_led = _KEPT[level]
        starts = self._starts(of_starts)
        climbed = [self.climbed(start, level, step_mm=8.0, steps=60) for start in starts]
        best = self._best([*climbed, *starts], level, of_climbed)
        led = [self._led(pose, level) for pose in best]
        settled = [self._settled(pose) for pose in self._best(led, level, of_led)]
        return max(settled, key=self.information)

    def nearest(self, pose: Matrix) -> Matrix:
        """Find the best pose near one, likewise."""
        return self._settled(self._led(pose, COARSE))

    def _best(self, poses: Iterable[Matrix], level: int, count: int) -> list[Matrix]:
        """Return the poses of most information, so many at most, of those that are alike one."""
        kept: list[Matrix] = []
        for pose in sorted(poses, key=lambda pose: -self.information(pose, level)):
            if all(np.abs(pose - other).max() > _SAME for other in kept):
                kept.append(pose)
            if len(kept) == count:
                break
        return kept

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
        """Follow the blocks until they stay where they are; return the best pose on the way."""
        step_done()
        mm = self.anatomical.levels[level].mm
        way = [pose]
        for _ in range(_ROUNDS[level]):
            blocks = self.blocks(pose, level, _REACH[level])
            if len(blocks) < LEAST_BLOCKS:
                break
            motion = rigid_motion(blocks, mm)
            pose = pose @ motion
            way.append(pose)
            if self.moved_mm(motion) < _STILL_MM:
                break
        return max(way, key=lambda pose: self.information(pose, level))

    def _starts(self, count: int) -> list[Matrix]:
        """Return the most promising of many poses, turned and shifted about the tissue's centre."""
        centre = self.anatomical.tissue_mm
        on_tissue = self.partner.tissue_mm - centre
        on_centre = self.partner.centre_mm - self.anatomical.centre_mm
        turns = np.array(list(itertools.product((-1, 0, 1), repeat=3))) * _TURN_DEGREES
        shifts = np.array(_SHIFTS_MM)[:, None] * (0, 0, 1)
        none = np.zeros(3)
        tried = [np.eye(4), motion_about(centre, none, on_centre)]
        tried += [
            motion_about(centre, turn, on_tissue) @ motion_about(centre, none, shift)
            for turn in turns
            for shift in shifts
        ]
        return self._best(tried, COARSE, count)


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
