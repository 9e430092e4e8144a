"""A volume cut into the planes of DICOM: exact, whatever way its axes run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from monai.data.utils import orientation_ras_lps

from mactfusion.io.dicom.rectangle import rectangular
from mactfusion.io.write import stored_values
from mactfusion.transforms.slices import OrientToSlicesd

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor
    from numpy.typing import NDArray

_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))


@dataclass(frozen=True)
class Planes:
    """Parallel planes, in the order in which they lie along the normal of a plane.

    Attributes:
        pixels: ``(N, rows, columns)`` uint16, or ``(N, rows, columns, 3)`` uint8.
        positions_mm: ``(N, 3)`` LPS, the centre of the first pixel of each.
        along_row: ``(3,)``, the direction in which columns are counted, of length 1.
        along_column: ``(3,)``, that in which rows are counted.
        spacing_mm: between rows, between columns, and between planes.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    positions_mm: NDArray[np.float64]
    along_row: NDArray[np.float64]
    along_column: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]

    @property
    def is_color(self) -> bool:
        """RGB, not grey."""
        return self.pixels.ndim == 4

    @property
    def normal(self) -> NDArray[np.float64]:
        """``(3,)``, the direction in which planes are counted."""
        return np.cross(self.along_row, self.along_column)

    @property
    def orientation(self) -> list[float]:
        """The six numbers of Image Orientation (Patient)."""
        return [*self.along_row.tolist(), *self.along_column.tolist()]

    @property
    def letters(self) -> list[str]:
        """Patient Orientation: where rows and columns go, by the nearest direction first."""
        return [_lettered(direction) for direction in (self.along_row, self.along_column)]


def planes_of(volume: MetaTensor, axis: str, path: Path) -> Planes:
    """Flip and permute a volume so that it is planes of DICOM.

    Nothing is interpolated where its axes are perpendicular, see
    :func:`~mactfusion.io.dicom.rectangle.rectangular`.

    In-plane directions are those of radiologists' displays. Planes are counted along the cross
    product of row and column, as readers expect that sort them, and as those of multi-frame
    objects demand: mirrored volumes come out right by it.

    Args:
        volume: ``(1 or 3, I, J, K)`` in [0, 1], affine from index to RAS+ millimetres.
        axis: "axial", "coronal" or "sagittal": the planes.
        path: named where the values cannot be stored.

    Raises:
        InputError: values that are not finite.
    """
    data = {"volume": rectangular(volume)}
    turned = OrientToSlicesd(["volume"], axis, reference="volume")(data)["volume"]
    stored = stored_values(turned, "uint8" if len(volume) == 3 else "uint16", path)
    lps = orientation_ras_lps(turned.affine.double().cpu().numpy())
    step, down, right = lps[:3, :3].T  # for one slice, one row, one column
    count = stored.shape[0]
    positions = lps[:3, 3] + np.arange(count)[:, None] * step
    if np.cross(right, down) @ step < 0:
        stored, positions = stored[::-1], positions[::-1]
    between_rows, between_columns = (float(np.linalg.norm(each)) for each in (down, right))
    return Planes(
        stored,
        positions,
        right / between_columns,
        down / between_rows,
        (between_rows, between_columns, float(np.linalg.norm(step))),
    )


def _lettered(direction: NDArray[np.float64]) -> str:
    """Name a direction by the patient's sides, such as "L" or "PH" (PS3.3 C.7.6.1.1.1)."""
    order = np.argsort(-np.abs(direction))
    return "".join(
        _LETTERS[axis][int(direction[axis] < 0)] for axis in order if abs(direction[axis]) > 1e-3
    )
