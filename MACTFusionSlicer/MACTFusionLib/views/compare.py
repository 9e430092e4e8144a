"""Linked views: anatomical, each partner, fused over anatomical; and the way back."""

from __future__ import annotations

from xml.sax.saxutils import escape

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..nodes.display import window_of
from ..nodes.volumes import MOST_PARTNERS, Geometry, fill, geometry_of, partners_in, voxels_of
from .layout import layout_node
from .preview import composite_of

FUSED_VIEW = "MACTFusionFused"
_LAYOUT_ID = 7430  # and the number of partners
_LAYOUTS = range(_LAYOUT_ID + 1, _LAYOUT_ID + MOST_PARTNERS + 1)
_ANATOMICAL_VIEW = "MACTFusionAnatomical"
_PARTNER_VIEW = "MACTFusionPartner"
_SQUARES = 8
_GROUP = 7431
_COLORS = {_ANATOMICAL_VIEW: "#5b8def", FUSED_VIEW: "#4cae7f"}
_PARTNER_COLOR = "#e09b3d"


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

    def enter(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        fused: slicer.vtkMRMLVolumeNode | None = None,
    ) -> None:
        """Show the volumes side by side; what was shown before is remembered.

        Args:
            anatomical: volume node.
            partner: volume node, or a list of several.
            fused: volume node, or None when there is only a preview.
        """
        layout = layout_node()
        if layout is None:
            return
        partners = partners_in(partner)
        identity = layout_id(len(partners))
        if not layout.IsLayoutDescription(identity):
            layout.AddLayoutDescription(identity, _description(len(partners)))
        if not self.is_on:
            self._former = layout.GetViewArrangement(), _crosshair_mode()
        layout.SetViewArrangement(identity)
        self.is_on = True
        self._shown = (anatomical, *partners, fused)
        backgrounds = (anatomical, *partners, anatomical)
        for name, background in zip(view_names(len(partners)), backgrounds):  # noqa: B905  Python 3.9
            view = _view(name)
            composite = None if view is None else composite_of(view)
            if composite is None:
                continue
            composite.SetLinkedControl(False)  # each view gets volumes of its own
            composite.SetBackgroundVolumeID(background.GetID())
            is_last = name == FUSED_VIEW
            composite.SetForegroundVolumeID(fused.GetID() if is_last and fused else None)
            composite.SetForegroundOpacity(self._blend if is_last else 0.0)
            view.RotateToVolumePlane(anatomical)
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
        _set_crosshair(slicer.vtkMRMLCrosshairNode.ShowBasic)

    def shows(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        fused: slicer.vtkMRMLVolumeNode | None,
    ) -> bool:
        """Whether these are the volumes in the views; arguments as of :meth:`enter`."""
        return self._shown == (anatomical, *partners_in(partner), fused)

    def leave(self) -> None:
        """Go back to the former layout and cross-hair."""
        if not self.is_on:
            return
        self.set_checkerboard(None, None)
        self.is_on = False
        self._shown = ()
        layout = layout_node()
        arrangement, crosshair = self._former
        if layout is not None and layout.GetViewArrangement() in _LAYOUTS:
            layout.SetViewArrangement(arrangement)
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
        self._checkerboard = _make_checkerboard(anatomical, fused)
        composite.SetForegroundVolumeID(self._checkerboard.GetID())
        composite.SetForegroundOpacity(1.0)

    def _last_composite(self) -> slicer.vtkMRMLSliceCompositeNode | None:
        view = _view(FUSED_VIEW) if self.is_on else None
        return None if view is None else composite_of(view)


def layout_id(count: int) -> int:
    """Return the number of the layout for some partners."""
    return _LAYOUT_ID + count


def view_names(count: int) -> tuple:
    """Return the names of the views for some partners, in the order of reading."""
    numbers = ("" if number == 1 else number for number in range(1, count + 1))
    return (_ANATOMICAL_VIEW, *(f"{_PARTNER_VIEW}{number}" for number in numbers), FUSED_VIEW)


def checkered(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mix two RGB volumes ``(I, J, K, 3)`` in squares, eight along the longest side."""
    side = max(1, -(-max(first.shape[:3]) // _SQUARES))
    index = np.indices(first.shape[:3]) // side
    is_first = index.sum(0) % 2 == 0
    return np.where(is_first[..., None], first, second)


def _make_checkerboard(
    anatomical: slicer.vtkMRMLVolumeNode, fused: slicer.vtkMRMLVolumeNode | None
) -> slicer.vtkMRMLVectorVolumeNode:
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLVectorVolumeNode")
    node.UnRegister(None)
    node.SetName(_("Checkerboard"))
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetAttribute("Fused", fused.GetID())
    slicer.mrmlScene.AddNode(node)
    grid = geometry_of(fused)
    acquired = _nearest(_as_rgb(anatomical), geometry_of(anatomical), grid)
    fill(node, checkered(acquired, _as_rgb(fused)), grid)
    node.CreateDefaultDisplayNodes()
    return node


def _nearest(voxels: np.ndarray, geometry: Geometry, grid: Geometry) -> np.ndarray:
    """Repeat voxels ``(I, J, K, 3)`` on a grid; thick slices stay thick.

    Both lie where their parent transforms put them, and what is outside of the voxels is black.
    """
    image = vtk.vtkImageData()
    image.SetDimensions(*geometry.shape)
    samples = np.ascontiguousarray(voxels.transpose(2, 1, 0, 3)).reshape(-1, voxels.shape[3])
    image.GetPointData().SetScalars(numpy_to_vtk(samples))
    index_map = np.linalg.inv(geometry.affine) @ grid.affine
    reslice = vtk.vtkImageReslice()
    reslice.SetInputData(image)
    reslice.SetResliceAxes(slicer.util.vtkMatrixFromArray(index_map))
    reslice.SetOutputExtent(*(end for size in grid.shape for end in (0, size - 1)))
    reslice.SetOutputOrigin(0, 0, 0)
    reslice.SetOutputSpacing(1, 1, 1)
    reslice.SetInterpolationModeToNearestNeighbor()
    reslice.Update()
    found = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())
    return found.reshape(*reversed(grid.shape), -1).transpose(2, 1, 0, 3)


def _as_rgb(node: slicer.vtkMRMLVolumeNode) -> np.ndarray:
    """Return voxels as 8-bit RGB; grey through the window of the display."""
    voxels = voxels_of(node)
    if voxels.ndim == 4 and voxels.dtype == np.uint8:
        return voxels
    low, high = float(voxels.min()), float(voxels.max())
    level, width = window_of(node) or ((low + high) / 2, max(high - low, 1e-9))
    scaled = np.clip((voxels - (level - width / 2)) / width, 0, 1) * 255
    grey = np.round(scaled).astype(np.uint8)
    return grey if grey.ndim == 4 else np.repeat(grey[..., None], 3, axis=-1)


def _view(name: str) -> slicer.vtkMRMLSliceNode | None:
    return slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")


def _crosshair_mode() -> int:
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    return slicer.vtkMRMLCrosshairNode.NoCrosshair if node is None else node.GetCrosshairMode()


def _set_crosshair(mode: int) -> None:
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if node is not None:
        node.SetCrosshairMode(mode)


def _description(count: int) -> str:
    """Return the layout for some partners: one row of three views, or two rows of more."""
    names = view_names(count)
    in_first = 3 if count != 2 else 2
    rows = [_row(part) for part in (names[:in_first], names[in_first:]) if part]
    if len(rows) == 1:
        return rows[0]
    return f'<layout type="vertical">{"".join(f"<item>{row}</item>" for row in rows)}</layout>'


def _row(names: tuple) -> str:
    return f'<layout type="horizontal" split="true">{"".join(map(_item, names))}</layout>'


def _item(name: str) -> str:
    titles = {_ANATOMICAL_VIEW: _("Anatomical"), FUSED_VIEW: _("Fused")}
    number = name.removeprefix(_PARTNER_VIEW)
    title = titles.get(name) or f"{_('Partner')} {number}".strip()
    color = _COLORS.get(name, _PARTNER_COLOR)
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{escape(title)}</property>'
        f'<property name="viewcolor" action="default">{color}</property>'
        f'<property name="viewgroup" action="default">{_GROUP}</property>'
        "</view></item>"
    )
