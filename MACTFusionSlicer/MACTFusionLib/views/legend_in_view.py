"""The legend of the colours in the slice view of the fused volume, and gone with it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.i18n import tr as _

from ..nodes.legend import ends_of
from .layout import FUSED_VIEW
from .shown import composite_of, shown_slices, widget_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT = 150, 30  # of the picture, in pixels of the view
_LINE = 18
_LEFT = 10
_LAST_LATIN = 0x24F
"""VTK brings letters of European languages; others are boxes unless Slicer was given a font."""


class LegendInView:
    """Draws into one view at a time, at its left edge, half-way up."""

    def __init__(self) -> None:
        self._key: tuple = ()
        self._renderer: vtk.vtkRenderer | None = None
        self._props: list = []

    @property
    def is_shown(self) -> bool:
        """Whether a legend is drawn into a view."""
        return bool(self._props)

    def show(self, legends: Sequence[Mapping], nodes: Sequence[slicer.vtkMRMLVolumeNode]) -> None:
        """Draw legends where the fused volume is seen; nothing where that is nowhere.

        Args:
            legends: of the partners, see :func:`MACTFusionLib.nodes.legend.legends_of`.
            nodes: the fused volume and its preview, as far as there are any.
        """
        view = _view_of(nodes) if legends else None
        widget = None if view is None else widget_of(view)
        if widget is None:
            self.hide()
            return
        renderer = widget.sliceView().renderWindow().GetRenderers().GetFirstRenderer()
        key = (view.GetLayoutName(), renderer, repr(legends))
        if key == self._key:
            return
        self.hide()
        self._key, self._renderer = key, renderer
        place = _half_way_up()
        top = len(legends) * (_HEIGHT + 2 * _LINE + _LINE // 2) // 2
        for legend in legends:
            self._props += _draw(legend, place, top)
            top -= _HEIGHT + 2 * _LINE + _LINE // 2
        for prop in self._props:
            renderer.AddViewProp(prop)
        widget.sliceView().scheduleRender()

    def hide(self) -> None:
        """Take the legend away."""
        renderer, props = self._renderer, self._props
        name = self._key[0] if self._key else ""
        self._key, self._renderer, self._props = (), None, []
        if renderer is None:
            return
        for prop in props:
            renderer.RemoveViewProp(prop)
        view = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
        widget = None if view is None else widget_of(view)
        if widget is not None:
            widget.sliceView().scheduleRender()


def _view_of(nodes: Sequence[slicer.vtkMRMLVolumeNode]) -> slicer.vtkMRMLSliceNode | None:
    """Return the view of the fused volume in Compare, else the first that shows it in front."""
    ids = [node.GetID() for node in nodes]
    showing = []
    for view in shown_slices():
        if view.GetLayoutName() == FUSED_VIEW:
            return view
        composite = composite_of(view)
        if composite is not None and composite.GetForegroundVolumeID() in ids:
            showing.append(view)
    return showing[0] if showing else None


def _half_way_up() -> vtk.vtkCoordinate:
    place = vtk.vtkCoordinate()
    place.SetCoordinateSystemToNormalizedViewport()
    place.SetValue(0.0, 0.5)
    return place


def _draw(legend: Mapping, place: vtk.vtkCoordinate, top: int) -> list:
    """Return a title, a picture below it, and the ends of the window below that.

    Args:
        legend: of a partner.
        place: what positions are relative to.
        top: of the title above that place, in pixels.
    """
    left, right = ends_of(legend)
    bottom = top - _LINE - _HEIGHT
    return [
        _text(_title(legend), place, _LEFT, top - _LINE),
        _picture(legend["png"], place, _LEFT, bottom),
        _text(left, place, _LEFT, bottom - _LINE),
        _text(right, place, _LEFT + _WIDTH, bottom - _LINE, is_at_right=True),
    ]


def _title(legend: Mapping) -> str:
    units = f" ({legend['units']})" if legend["units"] else ""
    name = legend["name"]
    if not _has_font() and any(ord(letter) > _LAST_LATIN for letter in name):
        number = legend.get("role", "").rpartition(" ")[2]
        name = f"{_('Partner')} {number if number.isdigit() else ''}".strip()
    return name + units


def _has_font() -> bool:
    """Whether Slicer's user gave it a font of their own."""
    return bool(slicer.app.applicationLogic().GetFontFileName(vtk.VTK_ARIAL))


def _text(
    text: str, place: vtk.vtkCoordinate, x: int, y: int, is_at_right: bool = False
) -> vtk.vtkTextActor:
    actor = vtk.vtkTextActor()
    actor.SetInput(text.replace("$", "\\$"))  # between two of them VTK reads formulas
    look = actor.GetTextProperty()
    look.SetFontSize(13)
    look.SetColor(1, 1, 1)
    look.SetBackgroundColor(0, 0, 0)
    look.SetBackgroundOpacity(0.6)  # legible over bright anatomy
    if is_at_right:
        look.SetJustificationToRight()
    slicer.app.applicationLogic().UseCustomFontFile(look)
    _put(actor, place, x, y)
    return actor


def _picture(png: str, place: vtk.vtkCoordinate, x: int, y: int) -> vtk.vtkActor2D:
    content = base64.b64decode(png)
    reader = vtk.vtkPNGReader()
    reader.SetMemoryBuffer(content)
    reader.SetMemoryBufferLength(len(content))
    size = vtk.vtkImageResize()
    size.SetInputConnection(reader.GetOutputPort())
    size.SetOutputDimensions(_WIDTH, _HEIGHT, 1)
    size.Update()  # while the content is there to read
    image = vtk.vtkImageData()
    image.DeepCopy(size.GetOutput())
    mapper = vtk.vtkImageMapper()
    mapper.SetInputData(image)
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    _put(actor, place, x, y)
    return actor


def _put(actor: Any, place: vtk.vtkCoordinate, x: int, y: int) -> None:
    """Place an actor some pixels away from a place that moves with the size of the view."""
    position = actor.GetPositionCoordinate()
    position.SetCoordinateSystemToViewport()
    position.SetReferenceCoordinate(place)
    position.SetValue(x, y)
