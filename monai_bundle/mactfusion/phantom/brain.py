"""The synthetic brain: folded cortex, white matter, deep nuclei, ventricles, cerebellum.

Centres, radii and thicknesses are millimetres, drawn after an average adult brain.
"""

from __future__ import annotations

import numpy as np

from mactfusion.phantom.shapes import Canvas, Field, SmoothNoise, ellipsoid, ramp, rod, union

CORTEX_MM = 2.8
FOLIUM_MM = 5.5
HULL_CENTRE = np.array([[0], [0], [2]], "float32")
HULL_RADII = np.array([[66], [83], [66]], "float32")


class Brain:
    """Everything inside the cranial cavity.

    Args:
        rng: decides the folds and the width of the ventricles.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._folds = SmoothNoise(rng, (19.0, 30.0), 36)
        self._folia = SmoothNoise(rng, (40.0, 60.0), 8)
        self._warp = [SmoothNoise(rng, (25.0, 60.0), 8) for _ in range(3)]
        self._ventricle_mm = float(rng.uniform(-0.8, 1.6))

    def paint(self, canvas: Canvas, cavity: Field) -> None:
        """Fill the cavity.

        Args:
            canvas: points in and near the cavity.
            cavity: signed distance ``(N,)`` in mm to the inner table of the skull.
        """
        bend = np.stack([noise(canvas.points) for noise in self._warp])
        canvas.paint("csf", cavity)
        self._paint_cerebrum(canvas, cavity, bend)
        low = canvas.points[2] < 5
        with canvas.where(low) as part:
            self._paint_cerebellum(part, cavity[low])
        self._paint_deep_grey(canvas)
        self._paint_ventricles(canvas)

    def _paint_cerebrum(self, canvas: Canvas, cavity: Field, bend: Field) -> None:
        points, mirrored = canvas.points, canvas.mirrored
        midline = np.abs(points[0] - 1.2 * bend[0])
        # The corpus callosum and what lies under it join the hemispheres.
        core = ellipsoid(points * np.array([[0], [1], [1]], "float32"), (0, -5, 1), (1, 44, 27))
        hull = np.maximum(cavity + 2.0, np.minimum(0.9 - midline, core))
        hull = np.maximum(hull, 1.5 - _tentorium(canvas))
        basal_cisterns = ellipsoid(points, (0, 2, -26), (15, 22, 15))
        hull = np.maximum(hull, np.maximum(-basal_cisterns, 1.1 - _sylvian(mirrored, bend)))
        depth = -hull
        pial = np.minimum(depth, self._distance_to_sulcus(points, depth, bend))
        canvas.paint("grey", np.maximum(hull, -pial))
        thickness = CORTEX_MM + 0.35 * bend[1]
        canvas.paint("white", np.maximum(hull + thickness, thickness - pial))

    def _distance_to_sulcus(self, points: Field, depth: Field, bend: Field) -> Field:
        """Distance in mm to the nearest sulcus: a sheet that runs inwards from the surface."""
        offset = points + 4.5 * bend - HULL_CENTRE
        radius = np.sqrt(((offset / HULL_RADII) ** 2).sum(axis=0)) + np.float32(1e-3)
        # Folds are drawn on the hull and carried inwards, so that sulci are upright on it.
        shallow = np.clip(radius, 0.35, 1)
        on_hull = offset / radius * (0.75 + 0.25 * shallow)
        sheet = self._folds.distance_to_zero(on_hull) * shallow
        reach = 12.5 + 4 * bend[2]
        below = np.maximum(depth - reach, 0)
        width = 0.75 * (1 - 0.75 * ramp(depth, 0, 16))
        return np.sqrt(sheet**2 + below**2) - width

    def _paint_cerebellum(self, canvas: Canvas, cavity: Field) -> None:
        points, mirrored = canvas.points, canvas.mirrored
        lobes = ellipsoid(mirrored, (24, -48, -34), (30, 33, 30))
        vermis = ellipsoid(points, (0, -52, -30), (12, 28, 24))
        cerebellum = np.maximum(union(lobes, vermis, 6), cavity + 2)
        cerebellum = np.maximum(cerebellum, _tentorium(canvas) + 1.5)
        shells = ellipsoid(points, (0, -30, -30), (30, 30, 22)) + 3 * self._folia(points)
        folia = 0.5 + 0.5 * np.cos(shells * np.float32(2 * np.pi / FOLIUM_MM))
        canvas.paint("grey", cerebellum)
        # The furrows between the folia get narrower inwards.
        furrows = 0.85 + 0.9 * ramp(-cerebellum, 0, 9) - folia
        canvas.paint("csf", np.maximum(cerebellum, furrows), 0.8)
        arbor = ellipsoid(mirrored, (17, -46, -34), (15, 17, 11)) - 5 * (folia - 0.5)
        canvas.paint("white", np.maximum(arbor, cerebellum + 2.5), 2)
        pons = ellipsoid(points, (0, -14, -32), (16, 11, 13))
        stem = union(rod(points, (0, -12, -8), (0, -27, -100), 8), pons, 6)
        canvas.paint("csf", np.maximum(stem - 1.8, ellipsoid(points, (0, -22, -30), (24, 18, 40))))
        canvas.paint("white", union(stem, rod(mirrored, (9, -18, -30), (20, -40, -34), 6), 4))
        canvas.paint("white", rod(mirrored, (7, -10, -12), (20, 0, 2), 7))

    @staticmethod
    def _paint_deep_grey(canvas: Canvas) -> None:
        mirrored = canvas.mirrored
        canvas.paint("deep_grey", rod(mirrored, (13, 24, 5), (17, -14, 20), 4.5))
        canvas.paint("deep_grey", ellipsoid(mirrored, (26, 5, 3), (7, 18, 11)))
        canvas.paint("deep_grey", ellipsoid(mirrored, (10, -15, 5), (8.5, 15, 9)), 2)

    def _paint_ventricles(self, canvas: Canvas) -> None:
        points, mirrored = canvas.points, canvas.mirrored
        # The left one is a little wider, as in most people.
        wider = self._ventricle_mm + 1.0 * ramp(points[0], 2, -2)
        horn = rod(mirrored, (8, 33, 4), (7, 16, 15), 3.6)
        body = union(horn, rod(mirrored, (7, 16, 15), (12, -26, 19), 3.8), 3)
        atrium = union(body, rod(mirrored, (12, -26, 19), (25, -42, 8), 5), 3)
        occipital = union(atrium, rod(mirrored, (25, -42, 8), (24, -62, 4), 2.2), 4)
        lateral = union(occipital, rod(mirrored, (26, -40, 6), (33, -6, -20), 1.6), 3)
        canvas.paint("csf", lateral - wider)
        septum = ellipsoid(points, (0, 14, 13), (5, 20, 9))
        canvas.paint("white", np.maximum(np.abs(points[0]) - 0.9, septum))
        third = ellipsoid(points, (0, -6, -1), (2.2 + 0.3 * self._ventricle_mm, 15, 11))
        fourth = ellipsoid(points, (0, -36, -34), (7, 4, 10))
        canvas.paint("csf", np.minimum(third, fourth))


def _tentorium(canvas: Canvas) -> Field:
    """Height in mm above the sheet between cerebrum and cerebellum; large in front of it."""
    points, mirrored = canvas.points, canvas.mirrored
    height = points[2] + 10 + 0.22 * mirrored[0]
    return height + 60 * ramp(points[1], -18, 0)


def _sylvian(mirrored: Field, bend: Field) -> Field:
    """Distance in mm to the fissure above the temporal lobe, which ends at the insula."""
    x, y, z = mirrored
    sheet = np.abs(z - (-10 - 0.28 * (y - 20)) + 1.5 * bend[2])
    outside = np.maximum(np.maximum(36 - x, y - 40), -30 - y)
    return np.sqrt(sheet**2 + np.maximum(outside, 0) ** 2)
