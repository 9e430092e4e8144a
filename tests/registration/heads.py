"""Synthetic heads on coarse grids, made once for all tests of this folder."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.phantom import HeadPhantom
from mactfusion.registration.search import motion_about

FIRST_MM = np.array([-100.0, -118.0, -125.0])
SIZE_MM = np.array([200.0, 240.0, 230.0])
SPACING_MM = {"T1": 3.0, "T2": 3.0, "CT": 3.0, "PET": 4.0}
CENTRE_MM = np.array([0.0, -18.0, 10.0])
MOVED = motion_about(CENTRE_MM, np.array([4.0, -9.0, 12.0]), np.array([12.0, -20.0, 9.0]))
"""A pose: 15.5 degrees and 25 mm."""


@cache
def head(modality: str, seed: int = 0) -> MetaTensor:
    """Return a head; do not change it."""
    spacing = SPACING_MM[modality]
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = FIRST_MM
    shape = (SIZE_MM / spacing).astype(int).tolist()
    volume = HeadPhantom(seed).sample(modality, shape, affine)
    volume.meta["filename_or_obj"] = f"{modality}-{seed}.nii"
    return volume


def at(volume: MetaTensor, pose: np.ndarray) -> MetaTensor:
    """Return a volume that was moved from where it belongs by a pose."""
    meta = {key: value for key, value in volume.meta.items() if key != "affine"}
    affine = torch.from_numpy(pose) @ volume.affine.double()
    return MetaTensor(volume.as_tensor(), affine=affine, meta=meta)


def mirrored(volume: MetaTensor) -> MetaTensor:
    """Return a volume with left and right swapped where it is."""
    meta = {key: value for key, value in volume.meta.items() if key != "affine"}
    return MetaTensor(volume.as_tensor().flip(1), affine=volume.affine, meta=meta)


def error_mm(pose: np.ndarray, true: np.ndarray) -> float:
    """Return the mean distance between where two poses bring points of a head."""
    points = np.array(
        [[x, y, z, 1.0] for x in (-60, 0, 60) for y in (-80, -18, 50) for z in (-40, 10, 60)]
    )
    return float(np.linalg.norm(((pose - true) @ points.T)[:3], axis=0).mean())
