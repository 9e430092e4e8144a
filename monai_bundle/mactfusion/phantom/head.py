"""The synthetic head as MR, CT, PET and SPECT, sampled on any grid."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter, map_coordinates

from mactfusion.phantom.anatomy import HeadAnatomy
from mactfusion.phantom.shapes import Field, Point, SmoothNoise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Affine = npt.NDArray[np.float64]

# Arbitrary units for MR, HU for CT, Bq/ml for PET, counts for SPECT. What is not listed for a
# modality does not show in it: the lesion in MR and CT, the calcification in all but CT.
TISSUES = MappingProxyType(
    {
        "T1": {
            "air": 0, "skin": 330, "fat": 800, "muscle": 320, "bone": 40, "marrow": 330,
            "csf": 105, "grey": 400, "deep_grey": 450, "white": 610, "eye": 110, "lens": 300,
        },
        "T2": {
            "air": 0, "skin": 240, "fat": 600, "muscle": 170, "bone": 30, "marrow": 260,
            "csf": 1000, "grey": 480, "deep_grey": 390, "white": 330, "eye": 1000, "lens": 150,
        },
        "CT": {
            "air": -1000, "skin": 40, "fat": -90, "muscle": 55, "bone": 1000, "marrow": 420,
            "csf": 6, "grey": 39, "deep_grey": 39, "white": 28, "eye": 10, "lens": 75,
            "calcification": 700,
        },
        "PET": {
            "air": 0, "skin": 1200, "fat": 700, "muscle": 2200, "bone": 500, "marrow": 1800,
            "csf": 800, "grey": 15000, "deep_grey": 15500, "white": 4500, "eye": 600, "lens": 600,
            "lesion": 32000,
        },
        "SPECT": {
            "air": 0, "skin": 60, "fat": 30, "muscle": 90, "bone": 20, "marrow": 60,
            "csf": 30, "grey": 900, "deep_grey": 850, "white": 260, "eye": 20, "lens": 20,
            "lesion": 1900,
        },
    }
)  # fmt: skip
DICOM_MODALITY = {"T1": "MR", "T2": "MR", "CT": "CT", "PET": "PT", "SPECT": "NM"}
UNITS = {"CT": "HU", "PET": "BQML", "SPECT": "CNTS"}
# Standard deviation of the noise in the units of the modality.
NOISE = {"T1": 14.0, "T2": 16.0, "CT": 4.0}
# Emission tomography: resolution (full width at half maximum) and counts in a 2 mm voxel per unit.
RESOLUTION_MM = {"PET": 6.0, "SPECT": 10.0}
COUNTS_PER_UNIT = {"PET": 4e-4, "SPECT": 2e-3}
EMISSION_SPACING_MM = 2.0
# First point and number of points of the lattice on which emission is simulated.
EMISSION_CORNER_MM = np.array([[-96.0], [-114.0], [-112.0]])
EMISSION_SHAPE = (97, 118, 106)
# Thick voxels are averaged over points about this far apart.
SUBSAMPLE_MM = 1.3
CHUNK = 40_000


class HeadPhantom:
    """A head defined in world space, so that any grid shows the same head at its place.

    It is deliberately not symmetric. A lesion on the patient's left takes up tracer and is seen in
    PET and SPECT only; a calcification on the patient's right is seen in CT only.

    Args:
        seed: two phantoms of one seed are equal; other seeds are other heads.

    Example:
        >>> import numpy as np
        >>> head = HeadPhantom(seed=0)
        >>> affine = np.diag([8.0, 8.0, 8.0, 1.0])
        >>> affine[:3, 3] = -100
        >>> head.sample("CT", (25, 25, 25), affine).shape
        torch.Size([1, 25, 25, 25])
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._anatomy = HeadAnatomy(seed)
        self._emission: dict[str, Field] = {}

    @property
    def lesion_mm(self) -> Point:
        """Centre of the lesion in RAS mm, on the patient's left (negative x)."""
        return self._anatomy.lesion_mm

    @property
    def calcification_mm(self) -> Point:
        """Centre of the calcification in RAS mm, on the patient's right (positive x)."""
        return self._anatomy.calcification_mm

    def sample(
        self,
        modality: str,
        shape: Sequence[int],
        affine: npt.ArrayLike | torch.Tensor,
    ) -> MetaTensor:
        """The head on a grid.

        Args:
            modality: ``T1``, ``T2`` (arbitrary units from 0), ``CT`` (HU), ``PET`` (Bq/ml) or
                ``SPECT`` (counts).
            shape: three numbers of voxels.
            affine: 4x4, voxel index to RAS+ millimetres.

        Returns:
            ``(1, I, J, K)`` float32 with ``affine`` and the keys ``modality`` and ``units``.

        Raises:
            KeyError: the modality is not one of the five.
        """
        matrix = np.asarray(affine, "float64")
        size = (int(shape[0]), int(shape[1]), int(shape[2]))
        if modality in RESOLUTION_MM:
            values = self._sample_emission(modality, size, matrix)
        else:
            values = self._sample_sharp(modality, size, matrix)
        meta = {
            "filename_or_obj": "array",
            "modality": DICOM_MODALITY[modality],
            "source_dtype": "float32",
            "is_image": False,
            "units": UNITS.get(modality, ""),
        }
        return MetaTensor(
            torch.from_numpy(values)[None], affine=torch.from_numpy(matrix), meta=meta
        )

    def _sample_sharp(self, modality: str, size: tuple[int, int, int], affine: Affine) -> Field:
        """MR and CT: tissue by tissue, thick voxels as the mean of several points, with noise."""
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        steps = np.maximum(1, np.round(spacing / SUBSAMPLE_MM)).astype(int)
        offsets = np.indices(tuple(steps)).reshape(3, -1).T + 0.5
        offsets = offsets / steps - 0.5
        values = np.zeros(size, "float32")
        for offset in offsets:
            shifted = affine.copy()
            shifted[:3, 3] += affine[:3, :3] @ offset
            for part, points in _chunks(size, shifted):
                values.reshape(-1)[part] += self._anatomy.paint(points, TISSUES[modality])
        values /= len(offsets)
        # Every grid has noise of its own, as every scan has.
        rng = np.random.default_rng([self._seed, _number(modality), crc32(affine.tobytes())])
        noise = rng.standard_normal((2, *size), "float32") * np.float32(NOISE[modality])
        if modality == "CT":
            return np.maximum(values + noise[0], -1024)
        for part, points in _chunks(size, affine):
            values.reshape(-1)[part] *= 1 + np.float32(0.06) * self._coil(points)
        return np.hypot(values + noise[0], noise[1])

    @cached_property
    def _coil(self) -> SmoothNoise:
        """Uneven sensitivity of the receiver coil."""
        return SmoothNoise(np.random.default_rng([self._seed, 99]), (250.0, 400.0), 6)

    def _sample_emission(self, modality: str, size: tuple[int, int, int], affine: Affine) -> Field:
        """PET and SPECT: counts on a fixed lattice, blurred, then interpolated."""
        if modality not in self._emission:
            self._emission[modality] = self._emission_lattice(modality)
        lattice = self._emission[modality]
        values = np.empty(size, "float32")
        for part, points in _chunks(size, affine):
            index = (points - EMISSION_CORNER_MM) / EMISSION_SPACING_MM
            values.reshape(-1)[part] = map_coordinates(lattice, index, order=1, mode="constant")
        return values

    def _emission_lattice(self, modality: str) -> Field:
        affine = np.diag([EMISSION_SPACING_MM] * 3 + [1.0])
        affine[:3, 3:] = EMISSION_CORNER_MM
        activity = np.empty(EMISSION_SHAPE, "float32")
        for part, points in _chunks(EMISSION_SHAPE, affine):
            activity.reshape(-1)[part] = self._anatomy.paint(points, TISSUES[modality])
        rng = np.random.default_rng([self._seed, _number(modality)])
        counts = rng.poisson(activity * COUNTS_PER_UNIT[modality]) / COUNTS_PER_UNIT[modality]
        sigma = RESOLUTION_MM[modality] / 2.355 / EMISSION_SPACING_MM
        return gaussian_filter(counts.astype("float32"), sigma)


def _number(modality: str) -> int:
    return list(TISSUES).index(modality)


def _chunks(size: tuple[int, int, int], affine: Affine) -> Iterator[tuple[slice, Field]]:
    """Flat index ranges of a grid with their points in RAS mm, a bounded number at a time."""
    total = int(np.prod(size))
    for start in range(0, total, CHUNK):
        part = slice(start, min(start + CHUNK, total))
        index = np.stack(np.unravel_index(np.arange(part.start, part.stop), size))
        yield part, (affine[:3, :3] @ index + affine[:3, 3:]).astype("float32")
