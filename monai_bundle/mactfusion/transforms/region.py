"""Which part of the body a CT shows, as far as its window asks: a head, or anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from monai.data import MetaTensor

LONGEST_HEAD_MM = 300.0
LEAST_BRAIN_MM2 = 4000.0
_BONE_HU = 200.0
_BRAIN_HU = (-20.0, 100.0)
_SLICES = 24
"""Evenly spaced slices that are looked at."""


def shows_a_head(volume: MetaTensor) -> bool:
    """Tell whether a CT is one of a head: a brain within closed bone, and not much else.

    A brain is 40 cm² or more of soft tissue (-20 to 100 HU) within bone (above 200 HU) that closes
    around it in an axial slice. A volume longer than 30 cm from feet to head shows more than that.

    Args:
        volume: ``(1, I, J, K)`` in HU; its affine leads to RAS+ millimetres.
    """
    axes = volume.affine[:3, :3].numpy()
    spacing_mm = np.linalg.norm(axes, axis=0)
    axis = int(np.abs(axes[2] / spacing_mm).argmax())
    count = volume.shape[1 + axis]
    if count * spacing_mm[axis] > LONGEST_HEAD_MM:
        return False
    pixel_mm2 = float(np.prod(np.delete(spacing_mm, axis)))
    chosen = np.unique(np.linspace(0, count - 1, min(_SLICES, count)).round().astype(int))
    slices = np.moveaxis(plain(volume)[0].cpu().numpy(), axis, 0)
    return any(_brain_mm2(slices[place], pixel_mm2) >= LEAST_BRAIN_MM2 for place in chosen)


def _brain_mm2(hounsfield: np.ndarray, pixel_mm2: float) -> float:
    """Area of soft tissue that bone closes in."""
    import SimpleITK  # only a CT that others lie on needs it

    bone = hounsfield > _BONE_HU
    filled = SimpleITK.BinaryFillhole(SimpleITK.GetImageFromArray(bone.astype(np.uint8)), False, 1)
    low, high = _BRAIN_HU
    within = (SimpleITK.GetArrayViewFromImage(filled) == 1) & ~bone
    return float(np.count_nonzero(within & (hounsfield > low) & (hounsfield < high)) * pixel_mm2)
