"""Linked views: anatomical, each partner, fused over anatomical; and the way back."""

from __future__ import annotations

import numpy as np
import slicer

from ..nodes.volumes import VolumeError, geometry_of, partners_in
from .layout import FUSED_VIEW, is_compare_layout, layout_id, layout_node, view_names
from .planes import closest_view, fused_axis, index_at, orientation_of
from .shown import centre_of, composite_of, fit
from .squares import make_checkerboard


class CompareViews:
    """Sets the layout up and takes it down.

    Attributes:
        is_on: whether the layout is shown.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._former = (0, 0)  # layout, cross-hair
        self._checkerboard = None
        self._blend = 1.0
        self._shown: tuple = ()
        self._place: np.ndarray | None = None

    def enter(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        fused: slicer.vtkMRMLVolumeNode | None = None,
        axis: str = "auto",
    ) -> bool:
        """Show the volumes side by side; what was shown before is remembered.

        The views show the slice that was looked at, in the plane in which slices are fused.

        Args:
            anatomical: volume node.
            partner: volume node, or a list of several.
            fused: volume node, or None when there is only a preview.
            axis: direction of the slices, see :func:`MACTFusionLib.views.planes.fused_axis`.

        Returns:
            Whether other sources are shown than before, so that :meth:`fit` is due once the layout
            is drawn: views get their size then, and what was fitted into another one is cropped.
        """
        layout = layout_node()
        if layout is None:
            return False
        partners = partners_in(partner)
        number = layout_id(len(partners))
        is_new = self._shown[: len(partners) + 1] != (anatomical, *partners)
        if is_new:
            self._place = _looked_at(anatomical, axis)
        if not self.is_on:
            arrangement = layout.GetViewArrangement()
            if is_compare_layout(arrangement):  # it came with a scene
                arrangement = layout.SlicerLayoutFourUpView
            self._former = arrangement, _crosshair_mode()
        self._shown = (anatomical, *partners, fused)
        self.is_on = True
        layout.SetViewArrangement(number)
        backgrounds = (anatomical, *partners, anatomical)
        for name, background in zip(view_names(len(partners)), backgrounds):  # noqa: B905  Python 3.9
            view = view_named(name)
            composite = None if view is None else composite_of(view)
            if composite is None:
                continue
            composite.SetLinkedControl(False)  # each view gets volumes of its own
            composite.SetBackgroundVolumeID(background.GetID())
            is_last = name == FUSED_VIEW
            composite.SetForegroundVolumeID(fused.GetID() if is_last and fused else None)
            composite.SetForegroundOpacity(self._blend if is_last else 0.0)
            if is_new:
                _look_along_slices(view, anatomical, axis)
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
        if is_new:
            self.fit()
        _set_crosshair(slicer.vtkMRMLCrosshairNode.ShowBasic)
        return is_new

    def fit(self) -> None:
        """Fit the anatomical volume into its view, and show the others at the same scale."""
        names = view_names(len(self._shown) - 2) if self.is_on else ()
        views = [view for view in map(view_named, names) if view is not None]
        for view in views:
            fit(view)
            if self._place is not None:
                view.JumpSliceByOffsetting(*self._place)
        for view in views[1:]:
            _show_alike(view, views[0])

    def shows(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        fused: slicer.vtkMRMLVolumeNode | None,
    ) -> bool:
        """Whether these are the volumes in the views; arguments as of :meth:`enter`."""
        return self._shown == (anatomical, *partners_in(partner), fused)

    @property
    def has_layout(self) -> bool:
        """Whether the application shows the layout; its user may have chosen another one."""
        layout = layout_node()
        return layout is not None and is_compare_layout(layout.GetViewArrangement())

    def leave(self) -> None:
        """Go back to the former cross-hair, and to the former layout unless another is chosen."""
        if not self.is_on:
            return
        self.set_checkerboard(None, None)
        self.is_on = False
        self._shown = ()
        arrangement, crosshair = self._former
        if self.has_layout:
            layout_node().SetViewArrangement(arrangement)
        _set_crosshair(crosshair)

    def forget(self) -> None:
        """Let go of the nodes of a scene that is closed."""
        self._checkerboard = None
        self.leave()

    def set_blend(self, share: float) -> None:
        """Show the fused volume over the anatomical one.

        Args:
            share: 0 for anatomical alone, 1 for fused alone.
        """
        self._blend = share
        composite = self._last_composite()
        if composite is not None:
            composite.SetForegroundOpacity(share)

    def flicker(self) -> None:
        """Change between anatomical and fused; a timer of the panel calls it."""
        composite = self._last_composite()
        if composite is not None:
            is_fused = composite.GetForegroundOpacity() > 0
            composite.SetForegroundOpacity(0.0 if is_fused else 1.0)

    def set_checkerboard(
        self, anatomical: slicer.vtkMRMLVolumeNode, fused: slicer.vtkMRMLVolumeNode | None
    ) -> None:
        """Show squares of both volumes in turn in the last view, or no longer (None).

        Args:
            anatomical: volume node, or None.
            fused: volume node, or None; the squares are on its grid.
        """
        composite = self._last_composite()
        if self._checkerboard is not None:
            if composite is not None and fused is None:
                former = slicer.mrmlScene.GetNodeByID(self._checkerboard.GetAttribute("Fused"))
                composite.SetForegroundVolumeID(None if former is None else former.GetID())
                composite.SetForegroundOpacity(self._blend)
            slicer.mrmlScene.RemoveNode(self._checkerboard)
            self._checkerboard = None
        if fused is None or composite is None:
            return
        self._checkerboard = make_checkerboard(anatomical, fused)
        composite.SetForegroundVolumeID(self._checkerboard.GetID())
        composite.SetForegroundOpacity(1.0)

    def _last_composite(self) -> slicer.vtkMRMLSliceCompositeNode | None:
        view = view_named(FUSED_VIEW) if self.is_on else None
        return None if view is None else composite_of(view)


def view_named(name: str) -> slicer.vtkMRMLSliceNode | None:
    """Return the node of a slice view, None where it was never shown."""
    return slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")


def _looked_at(anatomical: slicer.vtkMRMLVolumeNode, axis: str) -> np.ndarray | None:
    """Return the middle of the slice that the user looks at, in RAS; None outside of the volume."""
    try:
        geometry = geometry_of(anatomical)
    except VolumeError:
        return None
    along = fused_axis(geometry, axis)
    view = closest_view(geometry, along)
    index = -1 if view is None else index_at(geometry, along, centre_of(view))
    if not 0 <= index < geometry.shape[along]:
        return None
    middle = (np.array(geometry.shape) - 1) / 2
    middle[along] = index
    return (geometry.affine @ [*middle, 1.0])[:3]


def _look_along_slices(
    view: slicer.vtkMRMLSliceNode, anatomical: slicer.vtkMRMLVolumeNode, axis: str
) -> None:
    try:
        geometry = geometry_of(anatomical)
    except VolumeError:
        return  # the panel says why it cannot be fused
    view.SetOrientation(orientation_of(geometry, fused_axis(geometry, axis)))
    view.RotateToVolumePlane(anatomical)


def _show_alike(view: slicer.vtkMRMLSliceNode, other: slicer.vtkMRMLSliceNode) -> None:
    """Show the same plane as another view, with as many millimetres in a pixel."""
    mm_per_pixel = other.GetFieldOfView()[0] / max(1, other.GetDimensions()[0])
    width, height = view.GetDimensions()[:2]
    view.GetSliceToRAS().DeepCopy(other.GetSliceToRAS())
    view.SetFieldOfView(width * mm_per_pixel, height * mm_per_pixel, other.GetFieldOfView()[2])
    view.UpdateMatrices()


def _crosshair_mode() -> int:
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    return slicer.vtkMRMLCrosshairNode.NoCrosshair if node is None else node.GetCrosshairMode()


def _set_crosshair(mode: int) -> None:
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if node is not None:
        node.SetCrosshairMode(mode)
