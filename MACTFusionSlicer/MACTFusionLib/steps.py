"""What is asked of the worker, one request after another, for each thing that the logic begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
from slicer.i18n import tr as _

from .dicom.kept import Sources
from .nodes.grid import ANATOMICAL, result_geometry
from .nodes.result import Origin, make_result
from .nodes.transforms import put_in_place
from .nodes.volumes import geometry_of, partners_in, slice_geometry, stamp_of
from .worker.conversation import Steps, WorkerError

if TYPE_CHECKING:
    from .worker.session import Session


def fusion(
    session: Session,
    anatomical: slicer.vtkMRMLVolumeNode,
    partner: object,
    output: slicer.vtkMRMLVolumeNode | None,
    options: dict,
) -> Steps:
    """Steps: fuse volumes; the outcome is the fused node."""
    yield from session.greet()
    grid = options.get("grid", ANATOMICAL)
    origin = Origin(anatomical, partner, result_geometry(geometry_of(anatomical), grid))
    sources = Sources(anatomical, partner)
    fields = {"options": options}
    pair = (anatomical, partner)
    session.spoken_of = []
    voxels, reply = yield from session.ask_voxels("fuse", pair, fields, is_fresh=True)
    session.spoken_of = list(origin.ids)
    if not origin.is_in_scene:
        raise WorkerError("input", _("A volume was removed from the scene during the run."))
    _check_grid(origin, voxels, reply)
    if output is not None and not slicer.mrmlScene.IsNodePresent(output):
        output = None
    fused = make_result(origin, voxels, reply["record"], reply["legends"], output)
    sources.keep(fused, reply)
    return fused


def check(
    session: Session, anatomical: slicer.vtkMRMLVolumeNode, partner: object, options: dict
) -> Steps:
    """Steps: look where partners lie; the outcome is what the worker says of each."""
    yield from session.greet()
    reply = yield from session.ask("place", (anatomical, partner), {"options": options})
    return reply["partners"]


def registration(
    session: Session, anatomical: slicer.vtkMRMLVolumeNode, partner: object, options: dict
) -> Steps:
    """Steps: put partners in place; the outcome is a list of new transform nodes."""
    yield from session.greet()
    nodes = [anatomical, *partners_in(partner)]
    before = [stamp_of(node) for node in nodes]
    pair, fields = (anatomical, partner), {"options": options}
    reply = yield from session.ask("place", pair, fields, is_fresh=True)
    is_there = all(slicer.mrmlScene.IsNodePresent(node) for node in nodes)
    if not is_there or [stamp_of(node) for node in nodes] != before:
        raise WorkerError(
            "input", _("A volume was changed during the registration; nothing was moved.")
        )
    poses = [np.array(place["pose"]) for place in reply["partners"]]
    return [
        put_in_place(node, anatomical, pose)
        for node, pose in zip(nodes[1:], poses)  # noqa: B905  Python 3.9
        if not np.array_equal(pose, np.eye(4))
    ]


def probe(position: list) -> Steps:
    """Steps: ask what is known of a voxel, by RAS millimetres; None outside of the volume."""
    reply = yield "probe", {"position": position}
    return reply["found"]


def preview(
    session: Session,
    anatomical: slicer.vtkMRMLVolumeNode,
    partner: object,
    options: dict,
    axis: int,
    index: int,
) -> Steps:
    """Steps: fuse one slice; the outcome is ``(voxels, geometry, legends)``."""
    yield from session.greet()
    geometry = result_geometry(geometry_of(anatomical), options.get("grid", ANATOMICAL))
    fields = {"options": options, "slice": index}
    asked = [node.GetID() for node in (anatomical, *partners_in(partner))]
    session.spoken_of = []
    voxels, reply = yield from session.ask_voxels("preview", (anatomical, partner), fields)
    session.spoken_of = asked
    if reply["array_axis"] != axis:
        raise WorkerError("internal", _("The preview has another direction than expected."))
    return voxels, slice_geometry(geometry, axis, index), reply["legends"]


def _check_grid(origin: Origin, voxels: np.ndarray, reply: dict) -> None:
    """Refuse a result that would not lie where it is expected.

    Raises:
        WorkerError: shape or affine differ; that is a fault of the library.
    """
    affine = np.array(reply["affine"])
    if voxels.shape[:3] != origin.geometry.shape or not np.allclose(
        affine, origin.geometry.affine, atol=1e-3
    ):
        raise WorkerError("internal", _("The result is not on the grid that was asked for."))
