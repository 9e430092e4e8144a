"""The synthetic head around the brain: scalp, face, orbits, skull.

Centres, radii and thicknesses are millimetres, drawn after an average adult head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.phantom.brain import Brain
from mactfusion.phantom.shapes import (
    Canvas,
    Field,
    Point,
    SmoothNoise,
    ellipsoid,
    ramp,
    rod,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Nominal places and radii: left parietal white matter, right lentiform nucleus.
LESION: tuple[Point, float] = ((-34.0, -30.0, 32.0), 8.0)
CALCIFICATION: tuple[Point, float] = ((25.0, 6.0, 4.0), 4.5)


class HeadAnatomy:
    """Tissues of a head in RAS millimetres, the origin near the third ventricle.

    Args:
        seed: decides folds, proportions, and the exact places of lesion and calcification.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._stretch = rng.uniform(0.96, 1.03, 3).astype("float32")
        self._brain = Brain(rng)
        self._unevenness = SmoothNoise(rng, (35.0, 90.0), 8)
        self._air_cells = SmoothNoise(rng, (5.0, 11.0), 16)
        self._lesion = (LESION[0] + rng.uniform(-3, 3, 3)).astype("float32")
        self._calcification = (CALCIFICATION[0] + rng.uniform(-1.5, 1.5, 3)).astype("float32")

    @property
    def lesion_mm(self) -> Point:
        """Centre of the lesion, on the patient's left."""
        x, y, z = (float(value) for value in self._lesion * self._stretch)
        return x, y, z

    @property
    def calcification_mm(self) -> Point:
        """Centre of the calcification, on the patient's right."""
        x, y, z = (float(value) for value in self._calcification * self._stretch)
        return x, y, z

    def paint(self, points_mm: Field, tissues: Mapping[str, float]) -> Field:
        """Value of the tissue at each point; edges are mixed as in a voxel of about a millimetre.

        Args:
            points_mm: ``(3, N)`` in RAS millimetres.
            tissues: value of every tissue; a tissue that is not listed does not show.

        Returns:
            ``(N,)`` float32.
        """
        values = np.full(points_mm.shape[1], tissues["air"], "float32")
        straight = points_mm / self._stretch[:, None]
        points = straight.copy()
        # A head is narrower in front than behind.
        points[0] *= 1 + np.float32(0.0011) * points[1]
        head = np.flatnonzero(ellipsoid(points, (0, 5, -20), (95, 125, 125)) < 0)
        canvas = Canvas(points[:, head], tissues)
        cavity = cranial_cavity(canvas)
        uneven = self._unevenness(canvas.points)
        self._paint_soft_parts(canvas, cavity, uneven)
        with canvas.where((canvas.points[1] > 15) & (canvas.points[2] < 0)) as face:
            self._paint_face(face)
        self._paint_skull(canvas, cavity, uneven)
        with canvas.where(cavity < 1) as brain:
            self._brain.paint(brain, cavity[cavity < 1])
        for tissue, centre, radius_mm in (
            ("lesion", self._lesion, LESION[1]),
            ("calcification", self._calcification, CALCIFICATION[1]),
        ):
            from_centre = straight[:, head] - centre[:, None]
            canvas.paint(tissue, np.linalg.norm(from_centre, axis=0) - np.float32(radius_mm))
        values[head] = canvas.values
        return values

    @staticmethod
    def _paint_soft_parts(canvas: Canvas, cavity: Field, uneven: Field) -> None:
        """Skin, subcutaneous fat and muscle: everything outside the bones."""
        points, mirrored = canvas.points, canvas.mirrored
        temple = np.exp(-(((points[1] - 22) / 34) ** 2) - ((points[2] + 12) / 26) ** 2)
        thickness = 11.2 + 5 * temple + 0.5 * uneven
        head = union(cavity - thickness, ellipsoid(points, (0, 50, -62), (63, 46, 62)), 12)
        head = union(head, rod(points, (0, -26, -70), (0, -34, -160), 56), 20)
        head = union(head, ellipsoid(points, (0, 96, -52), (15, 16, 20)), 14)
        ears = ellipsoid(mirrored, (76, -22, -34), (6, 15, 26))
        head = union(head, ears, 5)
        canvas.paint("skin", head)
        canvas.paint("fat", head + 2.2)
        # Under the scalp comes bone; elsewhere, and at the temples, muscle.
        canvas.paint("muscle", np.maximum(head + 6 - 3 * temple, 6 - cavity))

    def _paint_face(self, canvas: Canvas) -> None:
        """Orbits with eyes, nasal cavity and sinuses."""
        points, mirrored = canvas.points, canvas.mirrored
        maxilla = ellipsoid(points, (0, 58, -70), (44, 30, 36))
        canvas.paint("bone", maxilla)
        canvas.paint("marrow", maxilla + 3)
        canvas.paint("bone", rod(mirrored, (64, 22, -40), (44, 74, -44), 4))
        orbit = ellipsoid(mirrored, (31, 62, -31), (19, 30, 18))
        canvas.paint("bone", np.maximum(orbit - 2, points[1] - 78))
        canvas.paint("fat", orbit)
        for start, end in (((44, 76, -31), (17, 40, -28)), ((20, 76, -31), (14, 40, -28))):
            canvas.paint("muscle", rod(mirrored, start, end, 2.2))
        canvas.paint("white", rod(mirrored, (31, 66, -31), (13, 34, -27), 2.4))
        globe = ellipsoid(mirrored, (31.5, 77, -31), (12, 12, 12))
        canvas.paint("muscle", globe - 0.9)
        canvas.paint("eye", globe)
        canvas.paint("lens", ellipsoid(mirrored, (31.5, 86, -31), (5, 2.2, 5)))
        nose = ellipsoid(points, (0, 60, -54), (15, 36, 22))
        septum = 1.6 - np.abs(points[0] - 1.5)
        turbinates = 0.3 - self._air_cells(points)
        canvas.paint("muscle", nose - 1.5)
        canvas.paint("air", np.maximum(nose, np.maximum(septum, turbinates)))
        for centre, radii in (
            ((28, 56, -66), (14, 17, 14)),
            ((0, 28, -42), (14, 12, 9)),
            ((7, 52, -33), (6, 20, 9)),
        ):
            sinus = ellipsoid(mirrored, centre, radii)
            canvas.paint("bone", sinus - 1.4)
            canvas.paint("air", sinus)

    def _paint_skull(self, canvas: Canvas, cavity: Field, uneven: Field) -> None:
        """Two tables with marrow between, thick and pneumatised at the base."""
        points = canvas.points
        base = ramp(points[2], -14, -34)
        orbital_roof = ramp(points[1], 20, 45) * ramp(points[2], -8, -14)
        thickness = 6.2 + 0.7 * uneven + 1.5 * base - 4.5 * orbital_roof
        canvas.paint("bone", np.maximum(cavity - thickness, -cavity))
        middle = cavity - 0.5 * thickness
        canvas.paint("marrow", np.abs(middle) - 0.16 * thickness + 0.8 * base)
        with canvas.where(points[2] < 0) as part:
            self._paint_skull_base(part)

    def _paint_skull_base(self, canvas: Canvas) -> None:
        points = canvas.points
        mastoid = ellipsoid(canvas.mirrored, (58, -30, -44), (11, 15, 17))
        canvas.paint("bone", mastoid)
        canvas.paint("air", np.maximum(mastoid + 2, 0.9 * self._air_cells(points) - 0.2))
        clivus = rod(points, (0, 12, -38), (0, -8, -64), 7)
        canvas.paint("bone", clivus)
        canvas.paint("marrow", clivus + 2.5)
        frontal_sinus = ellipsoid(points, (8, 82, -10), (12, 3, 8))
        canvas.paint("bone", frontal_sinus - 1.5)
        canvas.paint("air", frontal_sinus)


def cranial_cavity(canvas: Canvas) -> Field:
    """Signed distance ``(N,)`` in mm to the inner table of the skull."""
    points, mirrored = canvas.points, canvas.mirrored
    vault = ellipsoid(points, (0, 0, 8), (66, 83, 63))
    # The floor of the anterior fossa is higher than the rest.
    floor = -16 - 14 * ramp(points[1], 34, 6) - points[2]
    vault = -union(-vault, -floor, 12)
    temporal = ellipsoid(mirrored, (37, 6, -24), (25, 36, 21))
    posterior = ellipsoid(points, (0, -46, -30), (52, 38, 31))
    cavity = union(union(vault, temporal, 8), posterior, 8)
    cavity = union(cavity, rod(points, (0, -22, -30), (0, -30, -160), 15), 10)
    # The petrous ridge stands between temporal lobe and cerebellum.
    petrous = rod(mirrored, (56, -26, -36), (20, 0, -44), 8)
    return -union(-cavity, petrous, 5)
