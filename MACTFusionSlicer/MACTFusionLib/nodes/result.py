"""The fused node: its voxels, place, name, study, provenance and display."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from .display import show_at_once
from .legend import keep_legends, names_by_role
from .lost import keep_lost
from .made_of import SourceState
from .volumes import Geometry, fill, node_class_for, partners_in
from .whose import hierarchy, item_of

if TYPE_CHECKING:
    import numpy as np

ATTRIBUTE = "MACTFusion."
"""Prefix of the attributes that say where a fused node came from."""

_KINDS = {
    "ct-mri": "MR-CT",
    "pet-mri": "MR-PET",
    "spect-mri": "MR-SPECT",
    "pet-ct": "CT-PET",
    "spect-ct": "CT-SPECT",
    "mr-mr": "MR-MR",
}


class Origin:
    """What is taken down of the sources before a run, as they may change or go meanwhile.

    Args:
        anatomical: volume node.
        partner: volume node, or a list of several.
        geometry: of the result, see :func:`MACTFusionLib.nodes.grid.result_geometry`.

    Raises:
        VolumeError: a source has no voxels, or lies under a transform that is not linear.
    """

    def __init__(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        geometry: Geometry,
    ) -> None:
        self.geometry = geometry
        self.nodes = (anatomical, *partners_in(partner))
        self.ids = tuple(node.GetID() for node in self.nodes)
        self.names = tuple(node.GetName() for node in self.nodes)
        self.sources = SourceState(self.nodes)

    @property
    def is_in_scene(self) -> bool:
        """Whether all sources are still there."""
        return all(slicer.mrmlScene.IsNodePresent(node) for node in self.nodes)


def make_result(
    origin: Origin,
    voxels: np.ndarray,
    record: dict,
    legends: list,
    output: slicer.vtkMRMLVolumeNode | None = None,
) -> slicer.vtkMRMLVolumeNode:
    """Make the fused node, or fill the chosen one.

    Args:
        origin: the sources.
        voxels: ``(I, J, K)``, or ``(I, J, K, 3)`` RGB, on the grid of ``origin``.
        record: what the worker says of the run.
        legends: what it says of the colours of each partner.
        output: node to overwrite. One of the other kind (grey, colour) cannot hold the result: an
            empty one, as a selector makes it, is replaced, with its name and with whatever refers
            to it; one with voxels stays as it is, and a new node is made, see
            :func:`output_note`.

    Returns:
        The node.
    """
    kind = node_class_for(voxels)
    node = output if output is not None and output.GetClassName() == kind else None
    if node is None and output is not None and _is_empty(output):
        node = _replaced(output, kind)
    if node is None:
        name = _("{sources} fused").format(sources=" + ".join(origin.names))
        node = slicer.mrmlScene.AddNewNodeByClass(kind, slicer.mrmlScene.GenerateUniqueName(name))
    fill(node, voxels, origin.geometry)
    origin.sources.keep(node)
    _write_provenance(node, origin, record)
    names = names_by_role(origin.names)
    keep_legends(node, legends, names)
    keep_lost(node, record.get("lost"), names)
    _place_in_study(node, origin.nodes[0])
    show_at_once(node)
    return node


def output_note(output: slicer.vtkMRMLVolumeNode | None, fused: slicer.vtkMRMLVolumeNode) -> str:
    """Say why the result did not go where it was to go, "" where it did.

    Args:
        output: the node that was chosen for it, or None.
        fused: the node that it went to.
    """
    if output is None or output is fused or not slicer.mrmlScene.IsNodePresent(output):
        return ""
    template = _("{output} is in colour and stays as it is: the result is grey.")
    if fused.IsA("vtkMRMLVectorVolumeNode"):
        template = _("{output} is grey and stays as it is: the result is in colour.")
    return template.format(output=output.GetName())


def sources_of(fused: slicer.vtkMRMLVolumeNode) -> tuple:
    """Return the anatomical volume of a fused node, None where gone, and the list of partners."""
    role = ATTRIBUTE + "Partner"
    count = fused.GetNumberOfNodeReferences(role)
    partners = [fused.GetNthNodeReference(role, number) for number in range(count)]
    return fused.GetNodeReference(ATTRIBUTE + "Anatomical"), partners


def fused_from(
    anatomical: slicer.vtkMRMLVolumeNode | None, partner: object
) -> slicer.vtkMRMLVolumeNode | None:
    """Return the newest fused node of exactly these volumes, also of a scene that was opened.

    Args:
        anatomical: volume node, or None where none is chosen: nothing is fused of that.
        partner: volume node, a list of several, or None.
    """
    wanted = anatomical, partners_in(partner)
    if not all(wanted):
        return None
    found = [node for node in _fused_nodes() if sources_of(node) == wanted and _is_whole(node)]
    # Of those that have no number the last one counts, and max keeps the first of equals.
    return max(reversed(found), key=_number_of, default=None)


def _is_empty(node: slicer.vtkMRMLVolumeNode) -> bool:
    image = node.GetImageData()
    return image is None or image.GetNumberOfPoints() == 0


def _replaced(output: slicer.vtkMRMLVolumeNode, kind: str) -> slicer.vtkMRMLVolumeNode:
    """Put a node of another class in the place of an empty one.

    Whatever refers to the empty one, such as the choices of the panel and the slice views, refers
    to the new one then.
    """
    scene, name = slicer.mrmlScene, output.GetName()
    node = scene.AddNewNodeByClass(kind, name)
    for other in slicer.util.getNodesByClass("vtkMRMLNode"):
        count = other.GetNumberOfNodeReferenceRoles()
        for role in [other.GetNthNodeReferenceRole(number) for number in range(count)]:
            for place in range(other.GetNumberOfNodeReferences(role)):
                if other.GetNthNodeReferenceID(role, place) == output.GetID():
                    other.SetNthNodeReferenceID(role, place, node.GetID())
    scene.RemoveNode(output)
    node.SetName(name)
    return node


def _fused_nodes() -> list:
    nodes = slicer.util.getNodesByClass("vtkMRMLVolumeNode")
    return [node for node in nodes if node.GetAttribute(ATTRIBUTE + "Task") is not None]


def _is_whole(fused: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether no partner has gone: the scene drops references to a node that is removed."""
    count = fused.GetNumberOfNodeReferences(ATTRIBUTE + "Partner")
    return len((fused.GetAttribute(ATTRIBUTE + "PartnerID") or "").split()) == count


def _number_of(fused: slicer.vtkMRMLVolumeNode) -> int:
    """Return which fusion of the scene it was, 0 where a scene of an earlier version is mute."""
    number = fused.GetAttribute(ATTRIBUTE + "Number") or ""
    return int(number) if number.isdecimal() else 0


def _write_provenance(node: slicer.vtkMRMLVolumeNode, origin: Origin, record: dict) -> None:
    """Attributes of the node, saved with the scene.

    Of a patient they tell no more than the names of the volumes do, which notes repeat. The number
    says which fusion is the newest: an overwritten node keeps its place in the scene, and a time
    would tell when a patient was looked at.
    """
    number = 1 + max(map(_number_of, _fused_nodes()), default=0)
    weights, options = record["weights"], record["options"]
    attributes = {
        "Task": record["task"],
        "Kind": _kind_of(record["task"]),
        "Model": options["model"],
        "Weights": weights["name"],
        "WeightsSHA256": weights["sha256"],
        "Versions": json.dumps(record["versions"], sort_keys=True),
        "Options": json.dumps(_short(options), sort_keys=True),
        "Coverage": f"{record['coverage']:.4f}",
        "Number": str(number),
        "Notes": "\n".join(record["notes"]),
        "AnatomicalID": origin.ids[0],
        "PartnerID": " ".join(origin.ids[1:]),
    }
    for name, value in attributes.items():
        node.SetAttribute(ATTRIBUTE + name, value)
    node.SetNodeReferenceID(ATTRIBUTE + "Anatomical", origin.ids[0])
    node.RemoveNodeReferenceIDs(ATTRIBUTE + "Partner")  # an overwritten node may have had more
    for identity in origin.ids[1:]:
        node.AddNodeReferenceID(ATTRIBUTE + "Partner", identity)


def _kind_of(task: str) -> str:
    """Name what was fused, such as ``MR-CT-PET``."""
    kinds = [_KINDS.get(each, each) for each in task.split(" + ")]
    return "-".join([kinds[0], *(kind.rpartition("-")[2] for kind in kinds[1:])])


def _short(options: dict) -> dict:
    """Name a colour table by its size: 256 rows say nothing to a reader."""
    value = options.get("colormap")
    if not isinstance(value, list):
        return options
    is_one_table = bool(value) and isinstance(value[0], list) and not isinstance(value[0][0], list)
    tables = [value] if is_one_table else value
    named = [each if isinstance(each, str) else f"{len(each)} colours" for each in tables]
    return {**options, "colormap": named[0] if is_one_table else named}


def _place_in_study(node: slicer.vtkMRMLVolumeNode, anatomical: slicer.vtkMRMLVolumeNode) -> None:
    """Put the node beside the anatomical one in the subject hierarchy, where there is one."""
    tree = hierarchy()
    if tree is None:
        return
    item, source = tree.GetItemByDataNode(node), item_of(anatomical)
    if item and source:  # without the application nothing puts nodes into the hierarchy
        tree.SetItemParent(item, tree.GetItemParent(source))
