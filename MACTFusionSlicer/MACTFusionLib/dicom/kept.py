"""What a fused node keeps for DICOM: how it was made, its sources, and where they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..nodes.from_dicom import instances_of
from ..nodes.result import ATTRIBUTE
from ..nodes.volumes import geometry_of, partners_in
from .files import tell_series

if TYPE_CHECKING:
    import slicer

KEPT = ATTRIBUTE + "Export"
"""Attribute of a fused node, saved with the scene: JSON, see :func:`kept_of`."""

SERIES = ATTRIBUTE + "Series"
"""Attribute of a fused node: the DICOM series that it was saved as last."""

_OF_RECORD = ("task", "axis", "versions")


class Sources:
    """The sources of a run, taken down before it: they may change or go meanwhile.

    Args:
        anatomical: volume node.
        partner: volume node, or a list of several.
    """

    def __init__(self, anatomical: slicer.vtkMRMLVolumeNode, partner: object) -> None:
        nodes = [anatomical, *partners_in(partner)]
        self._instances = [instances_of(node) for node in nodes]
        geometries = [geometry_of(node) for node in nodes]
        self._to_world = [geometry.parent_to_world for geometry in geometries]
        self._places = [
            {"affine": geometry.ijk_to_ras.tolist(), "shape": list(geometry.shape)}
            for geometry in geometries
        ]

    def keep(self, fused: slicer.vtkMRMLVolumeNode, reply: dict) -> None:
        """Write down on the fused node what a DICOM series of it will say.

        Args:
            fused: the node; a series that its earlier voxels were saved as is forgotten.
            reply: of the request ``fuse``.
        """
        record = reply["record"]
        options, weights = record["options"], record["weights"]
        kept = {
            "record": {
                **{name: record[name] for name in _OF_RECORD},
                "options": {"model": options["model"], "register": options["register"]},
                "weights": {"sha256": weights["sha256"]},
            },
            "voxels_sha256": reply["voxels_sha256"],
            "sources": self._instances,
            "places": self._places,
            "poses": [pose.tolist() for pose in self._poses(record["partners"])],
        }
        fused.SetAttribute(KEPT, json.dumps(kept))
        if instances_of(fused):  # of earlier voxels; the node may have been loaded from DICOM
            fused.RemoveAttribute(SERIES)
            tell_series(fused, "", [])

    def _poses(self, partners: list) -> list:
        """Return of each partner the matrix between the frames of reference of both series.

        Each leads from a point of the anatomical series to the point of the partner's that shows
        the same, RAS+ millimetres.
        """
        told = {partner["input"]: np.array(partner["pose"]) for partner in partners}
        anatomical, *others = self._to_world
        roles = (
            ["partner"] if len(others) == 1 else [f"partner {n + 1}" for n in range(len(others))]
        )
        poses = [
            np.linalg.inv(to_world) @ told[role] @ anatomical
            for role, to_world in zip(roles, others)  # noqa: B905  Python 3.9
        ]
        return [np.eye(4) if np.allclose(pose, np.eye(4), atol=1e-9) else pose for pose in poses]


def kept_of(fused: slicer.vtkMRMLVolumeNode) -> dict[str, Any] | None:
    """Return what a fused node keeps, None where it keeps nothing that can be used.

    Returns:
        ``record``, ``voxels_sha256``, ``places`` and ``poses`` as the request ``export`` takes
        them, and ``sources``, a list of SOPInstanceUIDs for the anatomical volume and each partner.
    """
    try:
        kept = json.loads(fused.GetAttribute(KEPT) or "")
        is_whole = {"record", "voxels_sha256", "sources", "places", "poses"} <= set(kept)
        return kept if is_whole and len(kept["sources"]) == 1 + len(kept["poses"]) else None
    except (ValueError, TypeError):  # an older version wrote none, and anybody can edit it
        return None
