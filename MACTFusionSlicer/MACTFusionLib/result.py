"""The fused node: its voxels, place, name, study, provenance and display."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from .display import show_at_once
from .volumes import Geometry, fill, node_class_for

if TYPE_CHECKING:
    import numpy as np

ATTRIBUTE = "MACTFusion."
"""Prefix of the attributes that say where a fused node came from."""

_KINDS = {"ct-mri": "MR-CT", "pet-mri": "MR-PET", "spect-mri": "MR-SPECT", "mr-mr": "MR-MR"}


class Origin:
    """What is taken down of the sources before a run, as they may change or go meanwhile.

    Args:
        anatomical: volume node.
        partner: volume node.
        geometry: of the anatomical volume.
    """

    def __init__(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: slicer.vtkMRMLVolumeNode,
        geometry: Geometry,
    ) -> None:
        self.geometry = geometry
        self.nodes = (anatomical, partner)
        self.ids = (anatomical.GetID(), partner.GetID())
        self.names = (anatomical.GetName(), partner.GetName())

    @property
    def is_in_scene(self) -> bool:
        """Whether both sources are still there."""
        return all(slicer.mrmlScene.IsNodePresent(node) for node in self.nodes)


def make_result(
    origin: Origin, voxels: np.ndarray, record: dict, output: slicer.vtkMRMLVolumeNode | None = None
) -> slicer.vtkMRMLVolumeNode:
    """Make the fused node, or fill the chosen one.

    Args:
        origin: the sources.
        voxels: ``(I, J, K)``, or ``(I, J, K, 3)`` RGB, on the grid of the anatomical volume.
        record: what the worker says of the run.
        output: node to overwrite. One of the other kind (grey, colour) stays as it is, and a new
            node is made.

    Returns:
        The node.
    """
    kind = node_class_for(voxels)
    node = output if output is not None and output.GetClassName() == kind else None
    if node is None:
        template = _("{anatomical} + {partner} fused")
        name = template.format(anatomical=origin.names[0], partner=origin.names[1])
        node = slicer.mrmlScene.AddNewNodeByClass(kind, slicer.mrmlScene.GenerateUniqueName(name))
    fill(node, voxels, origin.geometry)
    _write_provenance(node, origin, record)
    _place_in_study(node, origin.nodes[0])
    show_at_once(node)
    return node


def sources_of(fused: slicer.vtkMRMLVolumeNode) -> tuple:
    """Return the anatomical volume and the partner of a fused node; None where one is gone."""
    return tuple(fused.GetNodeReference(ATTRIBUTE + role) for role in ("Anatomical", "Partner"))


def _write_provenance(node: slicer.vtkMRMLVolumeNode, origin: Origin, record: dict) -> None:
    """Attributes of the node, saved with the scene; without patient data."""
    weights, versions = record["weights"], record["versions"]
    attributes = {
        "Task": record["task"],
        "Kind": _KINDS.get(record["task"], record["task"]),
        "Model": weights["name"],
        "WeightsSHA256": weights["sha256"],
        "Version": str(versions.get("mactfusion", "")),
        "Options": json.dumps(_short(record["options"]), sort_keys=True),
        "Coverage": f"{record['coverage']:.4f}",
        "Notes": "\n".join(record["notes"]),
        "AnatomicalID": origin.ids[0],
        "PartnerID": origin.ids[1],
    }
    for name, value in attributes.items():
        node.SetAttribute(ATTRIBUTE + name, value)
    node.SetNodeReferenceID(ATTRIBUTE + "Anatomical", origin.ids[0])
    node.SetNodeReferenceID(ATTRIBUTE + "Partner", origin.ids[1])


def _short(options: dict) -> dict:
    """Name a colour table by its size: 256 rows say nothing to a reader."""
    return {
        name: f"{len(value)} colours" if name == "colormap" and isinstance(value, list) else value
        for name, value in options.items()
    }


def _place_in_study(node: slicer.vtkMRMLVolumeNode, anatomical: slicer.vtkMRMLVolumeNode) -> None:
    """Put the node beside the anatomical one in the subject hierarchy, where there is one."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is None:
        return
    item, source = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(anatomical)
    if item and source:  # without the application nothing puts nodes into the hierarchy
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(source))
