"""How the sources of a fused node lay and what they held, and whether that is so still."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from .memory import voxel_stamp
from .volumes import Geometry, VolumeError, geometry_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import slicer

_PLACES = "MACTFusion.SourcePlaces"
_NEAR_MM = 1e-2

_held: dict[str, list] = {}
"""Stamps of the voxels of the sources by the ID of the fused node, as long as the scene is open."""


class SourceState:
    """The state of the sources before a run, as they may change meanwhile.

    Args:
        nodes: volume nodes.

    Raises:
        VolumeError: one has no voxels, or lies under a transform that is not linear.
    """

    def __init__(self, nodes: Sequence[slicer.vtkMRMLVolumeNode]) -> None:
        self._affines = [geometry_of(node).affine for node in nodes]
        self._stamps = [voxel_stamp(node) for node in nodes]

    def keep(self, fused: slicer.vtkMRMLVolumeNode) -> None:
        """Write down with a fused node what it was made of.

        Args:
            fused: the node, where the run has put it.
        """
        to_voxels = np.linalg.inv(geometry_of(fused).affine)
        places = [(to_voxels @ affine).tolist() for affine in self._affines]
        fused.SetAttribute(_PLACES, json.dumps(places))
        _held[fused.GetID()] = self._stamps


def is_outdated(
    fused: slicer.vtkMRMLVolumeNode, sources: Sequence[slicer.vtkMRMLVolumeNode]
) -> bool:
    """Whether sources were moved against the fused node, or their voxels edited, since it was made.

    What moves all of them together changes nothing. Edits are known until the scene is closed.

    Args:
        fused: the node.
        sources: the anatomical volume and the partners.
    """
    stamps = _held.get(fused.GetID())
    if stamps is not None and stamps != [voxel_stamp(node) for node in sources]:
        return True
    try:
        places = np.array(json.loads(fused.GetAttribute(_PLACES) or "[]"), float)
        if places.shape != (len(sources), 4, 4):  # of an earlier version
            return False
        made = geometry_of(fused).affine
        return any(
            _apart_mm(geometry_of(node), made @ place) > _NEAR_MM
            for place, node in zip(places, sources)  # noqa: B905  Python 3.9
        )
    except (ValueError, TypeError):  # of another program
        return False
    except VolumeError:  # one lies under a transform that is not linear now
        return True


def forget_edits() -> None:
    """The scene is closed: another one has nodes of the same IDs."""
    _held.clear()


def _apart_mm(geometry: Geometry, affine: np.ndarray) -> float:
    """Return how far the farthest corner of a volume is from where an affine has it."""
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    moved = (geometry.affine - affine) @ (corners * [*geometry.shape, 1]).T
    return float(np.linalg.norm(moved[:3], axis=0).max())
