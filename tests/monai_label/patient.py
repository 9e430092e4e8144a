"""Images of one synthetic patient: MR, PET and CT on grids of their own."""

from __future__ import annotations

import nibabel
import numpy as np
from scipy.spatial.transform import Rotation

PATIENT = "DOE_JANE"

SPOT_MM = np.array([-28.0, 12.0, 4.0])
"""Where the PET is hot, in RAS+ millimetres: left, anterior and superior of the middle."""


def grid(shape, spacing_mm, turned_degrees):
    """An affine with the middle of the grid at the origin."""
    turn = Rotation.from_euler("xyz", turned_degrees, degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing_mm
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def positions_mm(shape, affine):
    """RAS+ millimetres of each voxel, ``(I, J, K, 3)``."""
    return np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]


def volumes():
    """MR, stored from left to right and oblique, and PET and CT on other grids."""
    grids = {
        "mr": ((32, 36, 6), (-4.0, 4.0, 8.0), (8.0, 0.0, 3.0)),
        "pet": ((30, 32, 20), (5.0, -5.0, 4.0), (0.0, 0.0, 0.0)),
        "ct": ((40, 40, 12), (3.5, 4.0, 6.0), (0.0, 5.0, 0.0)),
    }
    for name, (shape, spacing_mm, turned) in grids.items():
        affine = grid(shape, spacing_mm, turned)
        where = positions_mm(shape, affine)
        inside = np.clip(1.2 - np.linalg.norm(where / (58, 66, 40), axis=-1), 0, 1)
        texture = 1 + 0.3 * np.sin(where / 9).prod(axis=-1)
        hot = np.exp(-(((where - SPOT_MM) / 9) ** 2).sum(axis=-1))
        values = {
            "mr": 900 * inside * texture,
            "pet": 1000 * inside + 9000 * hot,
            "ct": np.where(inside > 0, 40 * texture + 900 * (inside < 0.2), -1000),
        }
        yield name, nibabel.Nifti1Image(values[name].astype(np.float32), affine)
