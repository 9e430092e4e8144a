"""Pairs of slices of synthetic heads: something to train on when there are no data."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mactfusion.errors import InputError
from mactfusion.phantom.head import HeadPhantom
from mactfusion.transforms.color import rgb_to_ycbcr
from mactfusion.transforms.colormap import apply_color_table, color_table
from mactfusion.transforms.intensity import WINDOWS

PARTNER = {"ct-mri": "CT", "pet-mri": "PET", "spect-mri": "SPECT", "mr-mr": "T2"}
SLICE_SIZE = 192
SLICES_PER_HEAD = 8
# What becomes 1: fat in MR, a little above healthy grey matter in PET and SPECT, where the lesion
# of the head is hotter.
BRIGHTEST = {"T1": 800.0, "T2": 1000.0, "PET": 16000.0, "SPECT": 800.0}
# Directions of columns and rows in RAS, as a radiologist looks at them, and the places in mm along
# the third direction between which there is brain.
PLANES = {
    "axial": ((-1, 0, 0), (0, -1, 0), (-45.0, 62.0)),
    "coronal": ((-1, 0, 0), (0, 0, -1), (-70.0, 60.0)),
    "sagittal": ((0, -1, 0), (0, 0, -1), (-55.0, 55.0)),
}
PLANE_SHARES = (0.6, 0.2, 0.2)


def phantom_slices(task: str, count: int, seed: int = 0) -> torch.Tensor:
    """Registered pairs of slices through synthetic heads, ready for the network.

    Axial, coronal and sagittal slices, a little tilted, of a new head every few slices.

    Args:
        task: ``ct-mri``, ``pet-mri``, ``spect-mri`` or ``mr-mr``.
        count: number of pairs.
        seed: equal seeds give equal pairs.

    Returns:
        ``(count, 2, 192, 192)`` in [0,1]: T1 or T2, then its partner: CT at level 50 and width
        120, T2, or the luminance (BT.601) of PET and SPECT in the hot iron colour table.

    Raises:
        InputError: there are no synthetic pairs for the task.

    Example:
        >>> phantom_slices("ct-mri", count=2).shape
        torch.Size([2, 2, 192, 192])
    """
    if task not in PARTNER:
        raise InputError(f"No synthetic pairs for the task {task!r}; use {', '.join(PARTNER)}.")
    rng = np.random.default_rng([seed, list(PARTNER).index(task)])
    pairs = []
    for number in range(count):
        if number % SLICES_PER_HEAD == 0:
            head = HeadPhantom(int(rng.integers(2**31)))
        anatomical = "T1" if task == "mr-mr" else str(rng.choice(["T1", "T2"]))
        affine = _random_plane(rng)
        gain = float(rng.uniform(0.85, 1.15))
        pairs.append(
            torch.stack([_shown(head, name, affine, gain) for name in (anatomical, PARTNER[task])])
        )
    return torch.stack(pairs)


def _random_plane(rng: np.random.Generator) -> np.ndarray:
    """Affine of one slice: columns along the first index, rows along the second."""
    columns, rows, (first_mm, last_mm) = PLANES[str(rng.choice(list(PLANES), p=PLANE_SHARES))]
    axes = np.stack([columns, rows, np.abs(np.cross(columns, rows))], axis=1).astype("float64")
    centre = axes[:, 2] * rng.uniform(first_mm, last_mm) + np.array([0, 4, 0]) * (1 - axes[:, 2])
    tilt = Rotation.from_euler("xyz", rng.uniform(-8, 8, 3), degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = tilt @ axes * rng.uniform(1.1, 1.2)
    affine[:3, 3] = centre - affine[:3, :2].sum(axis=1) * (SLICE_SIZE - 1) / 2
    return affine


def _shown(head: HeadPhantom, modality: str, affine: np.ndarray, gain: float) -> torch.Tensor:
    """One slice as the network sees it, ``(H, W)`` in [0,1]."""
    values = head.sample(modality, (SLICE_SIZE, SLICE_SIZE, 1), affine).as_tensor()[..., 0]
    if modality == "CT":
        level, width = WINDOWS["auto"]
        scaled = (values - level) / width + 0.5
    else:
        scaled = values * gain / BRIGHTEST[modality]
    scaled = scaled.clamp(0, 1)
    if modality in ("PET", "SPECT"):
        scaled = rgb_to_ycbcr(apply_color_table(scaled, color_table("hot_iron")))[:1]
    return scaled[0].T
