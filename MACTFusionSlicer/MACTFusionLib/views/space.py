"""The fused volume in the 3-D view: a preset that shows bone and uptake, and the way back."""

from __future__ import annotations

import slicer
import vtk
from slicer.i18n import tr as _

from .layout import layout_node

_METHOD = "vtkMRMLGPURayCastVolumeRenderingDisplayNode"
_OURS = "MACTFusion.InSpace"
_OPACITY = ((0.0, 0.0), (0.12, 0.0), (0.45, 0.12), (1.0, 0.6))
"""Brightness, as a share of full scale, and opacity: air is clear, tissue thin, uptake and bone
dense."""


class RenderedVolume:
    """Renders one volume at a time.

    Attributes:
        volume: the fused node that is rendered, or None.
    """

    def __init__(self) -> None:
        self.volume = None
        self._nodes: list = []
        self._former: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether a volume is rendered."""
        return bool(self._nodes)

    @property
    def was_saved(self) -> bool:
        """Whether a scene brought a rendering along that this object does not know."""
        return not self.is_on and bool(_ours())

    def show(self, fused: slicer.vtkMRMLVolumeNode) -> str:
        """Render a fused volume, and bring a 3-D view up where the layout has none.

        Args:
            fused: scalar or vector volume node with a full scale of 8 or 16 bits, or 1.

        Returns:
            Why that cannot be done, "" where it is.
        """
        image = fused.GetImageData()
        if image is None or image.GetNumberOfPoints() == 0:
            return _("{name} has no voxels.").format(name=fused.GetName())
        self._take_away()
        display = slicer.mrmlScene.AddNewNodeByClass(_method())
        if display is None:
            return _("This Slicer has no volume rendering.")
        look = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumePropertyNode", _("Fused in 3-D"))
        self.volume, self._nodes = fused, [display, look]
        for node in self._nodes:
            node.SetAttribute(_OURS, "1")
        _set_preset(look, fused)
        display.SetAndObserveVolumePropertyNodeID(look.GetID())
        fused.AddAndObserveDisplayNodeID(display.GetID())
        display.SetVisibility(True)
        self._bring_view_up()
        return ""

    def hide(self) -> None:
        """Take the rendering away, and go back to the former layout."""
        self._take_away()
        layout = layout_node()
        former, self._former = self._former, None
        if former is None or layout is None:
            return
        if layout.GetViewArrangement() == layout.SlicerLayoutFourUpView:  # else the user chose anew
            layout.SetViewArrangement(former)

    def forget(self) -> None:
        """Let go of the nodes of a scene that is closed."""
        self._nodes, self.volume = [], None

    def _take_away(self) -> None:
        self._nodes, self.volume = [], None
        for node in _ours():  # also those that came with a scene
            slicer.mrmlScene.RemoveNode(node)

    def _bring_view_up(self) -> None:
        layout = layout_node()
        if layout is None:
            return
        arrangement = layout.GetViewArrangement()
        if "vtkMRMLViewNode" not in (layout.GetLayoutDescription(arrangement) or ""):
            self._former = arrangement
            layout.SetViewArrangement(layout.SlicerLayoutFourUpView)
        if slicer.app.layoutManager() is not None:
            slicer.util.resetThreeDViews()


def _ours() -> list:
    kinds = ("vtkMRMLVolumeRenderingDisplayNode", "vtkMRMLVolumePropertyNode")
    nodes = [node for kind in kinds for node in slicer.util.getNodesByClass(kind)]
    return [node for node in nodes if node.GetAttribute(_OURS)]


def _method() -> str:
    """Return the class of display node that the user's settings ask for."""
    module = getattr(slicer.modules, "volumerendering", None)
    return (module.logic().GetDefaultRenderingMethod() if module is not None else "") or _METHOD


def _set_preset(look: slicer.vtkMRMLVolumePropertyNode, fused: slicer.vtkMRMLVolumeNode) -> None:
    image = fused.GetImageData()
    is_float = image.GetScalarTypeAsString() in ("float", "double")
    full_scale = 1.0 if is_float else image.GetScalarTypeMax()
    opacity, grey = vtk.vtkPiecewiseFunction(), vtk.vtkColorTransferFunction()
    for share, dense in _OPACITY:
        opacity.AddPoint(share * full_scale, dense)
        grey.AddRGBPoint(share * full_scale, share, share, share)
    look.SetScalarOpacity(opacity)
    look.SetColor(grey)
    rendering = look.GetVolumeProperty()
    # Colours are shown as they are; Slicer takes their luminance for the opacity.
    rendering.SetIndependentComponents(image.GetNumberOfScalarComponents() == 1)
    rendering.ShadeOn()
    rendering.SetInterpolationTypeToLinear()
