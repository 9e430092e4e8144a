"""The three planes through the middle of a volume, for pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.transforms.index_map import translation
from mactfusion.transforms.volume import plain, with_voxels

if TYPE_CHECKING:
    from monai.data import MetaTensor


def middle_planes(volume: MetaTensor) -> list[MetaTensor]:
    """Cut a plane across each axis out of a volume.

    Args:
        volume: ``(C, I, J, K)``.

    Returns:
        ``(C, 1, J, K)``, ``(C, I, 1, K)`` and ``(C, I, J, 1)``, each with an affine of its own.
        They share the memory of the volume.
    """
    planes = []
    for axis, size in enumerate(volume.shape[1:]):
        first = [0.0, 0.0, 0.0]
        first[axis] = size // 2
        affine = volume.affine.double() @ translation(first)
        planes.append(with_voxels(volume, plain(volume).narrow(1 + axis, size // 2, 1), affine))
    return planes
