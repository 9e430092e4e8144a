"""The slice that is looked at, fused at once: one request at a time, and the newest wins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..nodes.display import show_at_once
from ..nodes.grid import ANATOMICAL, result_geometry
from ..nodes.legend import keep_legends, names_by_role
from ..nodes.obstacles import reason_not_to_run
from ..nodes.volumes import fill, geometry_of, node_class_for, partners_in, stamp_of
from ..worker.conversation import Conversation, WorkerError
from .planes import NoPlane, fused_axis, slice_shown
from .shown import composite_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from ..logic import MACTFusionLogic
    from ..nodes.volumes import Geometry

_NODE_NAME = "MACTFusion preview"


class LivePreview:
    """Shows the fused slice as the foreground of the view that it belongs to.

    Args:
        logic: fuses.
        say: is given a sentence for the user, "" when all is well.

    Attributes:
        view: layout name of the view to preview in, "" for the best one.
        needs_turn: whether there is no preview because the views are tilted to the volume.
    """

    def __init__(self, logic: MACTFusionLogic, say: Callable[[str], None]) -> None:
        self.view = ""
        self.needs_turn = False
        self._fused_already = ""
        self._has_failed = False
        self._logic = logic
        self._say = say
        self._wanted: tuple | None = None
        self._shown = ""
        self._under_way: Conversation | None = None
        self._node = None
        self._layer: tuple | None = None

    @property
    def node(self) -> Any:
        """The volume node of one slice, None while there is none."""
        return self._node

    @property
    def is_under_way(self) -> bool:
        """Whether a request is with the worker."""
        return self._under_way is not None and not self._under_way.is_over

    def update(self, anatomical: slicer.vtkMRMLVolumeNode, partner: object, options: dict) -> None:
        """Fuse the current slice of the volumes unless that is what is shown or under way."""
        grid = options.get("grid", ANATOMICAL)
        chosen = options["task"], grid, options["register"]
        if self._has_failed or reason_not_to_run(anatomical, partner, None, *chosen):
            return
        look = look_of(anatomical, partner, options)
        if look == self._fused_already:
            return
        geometry = geometry_of(anatomical)
        axis = fused_axis(geometry, options["axis"])
        try:
            view, index = slice_shown(result_geometry(geometry, grid), axis, self.view)
        except NoPlane as reason:
            self._withdraw()  # a slice across which the view cuts is no picture of it
            self.needs_turn = reason.is_tilted
            self._say(str(reason))
            return
        self.needs_turn = False
        key = json.dumps([look, axis, index, view.GetID()])
        if key != self._shown:
            self._wanted = (key, anatomical, partner, options, axis, index, view)
            self._shown = key
            self._next()

    def rest(self, look: str) -> None:
        """Stop, until volumes or options are others than those that are fused as a whole now.

        Args:
            look: of the fused volume, see :func:`look_of`.
        """
        self.stop()
        self._fused_already = look

    def stop(self) -> None:
        """Take the preview away and give the view its former foreground back."""
        self._has_failed, self._fused_already, self.needs_turn = False, "", False
        self._withdraw()

    def _withdraw(self) -> None:
        if self._under_way is not None:
            self._under_way.abandon()
        self._wanted, self._shown, self._under_way = None, "", None
        self._give_back()
        if self._node is not None and slicer.mrmlScene.IsNodePresent(self._node):
            slicer.mrmlScene.RemoveNode(self._node)
        self._node = None

    def _next(self) -> None:
        if self._wanted is None or self.is_under_way:
            return
        (_key, anatomical, partner, options, axis, index, view), self._wanted = self._wanted, None
        volumes = (anatomical, *partners_in(partner))
        if not all(slicer.mrmlScene.IsNodePresent(node) for node in (*volumes, view)):
            return
        names = names_by_role([node.GetName() for node in volumes])

        def ended(outcome: Any, error: Exception | None) -> None:
            self._under_way = None
            if error is None and slicer.mrmlScene.IsNodePresent(view):
                voxels, geometry, legends = outcome
                self._show(voxels, geometry, view)
                keep_legends(self._node, legends, names)
            self._tell(error)
            self._next()

        try:
            self._under_way = self._logic.start_preview(
                anatomical, partner, options, axis, index, ended
            )
        except WorkerError as error:
            self._tell(error)

    def _tell(self, error: Exception | None) -> None:
        code = getattr(error, "code", "")
        if error is None:
            self._say("")
        elif code not in ("replaced", "cancelled"):
            self._shown = ""
            # A worker that does not start is not started again at each movement of the mouse.
            self._has_failed = code in ("installation", "ended")
            again = _("Switch the preview off and on to try again.") if self._has_failed else ""
            self._say(_("No preview: {reason} {again}").format(reason=error, again=again).strip())

    def _show(self, voxels: np.ndarray, geometry: Geometry, view: slicer.vtkMRMLSliceNode) -> None:
        kind = node_class_for(voxels)
        if self._node is None or self._node.GetClassName() != kind:
            if self._node is not None:
                slicer.mrmlScene.RemoveNode(self._node)
            self._node = slicer.mrmlScene.CreateNodeByClass(kind)
            self._node.UnRegister(None)
            self._node.SetName(_NODE_NAME)
            self._node.SetHideFromEditors(True)
            self._node.SetSaveWithScene(False)
            slicer.mrmlScene.AddNode(self._node)
        fill(self._node, voxels, geometry)
        show_at_once(self._node)
        display = self._node.GetDisplayNode()
        display.SetInterpolate(False)
        display.SetSaveWithScene(False)
        self._take(view)

    def _take(self, view: slicer.vtkMRMLSliceNode) -> None:
        """Put the preview in front in its view, and remember what was there."""
        composite = composite_of(view)
        if composite is None or self._node is None:
            return
        if self._layer is not None and self._layer[0] is not composite:
            self._give_back()
        if self._layer is None:
            former = composite.GetForegroundVolumeID(), composite.GetForegroundOpacity()
            self._layer = (composite, *former)
        if composite.GetForegroundVolumeID() != self._node.GetID():
            composite.SetForegroundVolumeID(self._node.GetID())
            composite.SetForegroundOpacity(1.0)

    def _give_back(self) -> None:
        layer, self._layer = self._layer, None
        if layer is None or not slicer.mrmlScene.IsNodePresent(layer[0]) or self._node is None:
            return
        composite, volume, opacity = layer
        if composite.GetForegroundVolumeID() == self._node.GetID():  # else the user chose anew
            composite.SetForegroundVolumeID(volume)
            composite.SetForegroundOpacity(opacity)


def look_of(anatomical: slicer.vtkMRMLVolumeNode, partner: object, options: dict) -> str:
    """Return a text that changes when a fusion of the volumes would look different."""
    nodes = (anatomical, *partners_in(partner))
    # The check of what was lost changes no voxel.
    seen = {name: value for name, value in options.items() if name != "check"}
    return json.dumps([[repr(stamp_of(node)) for node in nodes], seen])
