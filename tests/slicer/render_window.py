"""Draw a window like the application's: ``render_window.py FOLDER`` writes one JPEG for each state.

Beside the panel lie the views of the layout that the scene has, as the real slice logics blend them
and Slicer's displayable managers draw over them. Around them is only what tells one view from
another: the coloured bar with its letter and offset, and the names of the volumes in the corner.
The states are: before anything is loaded, a live preview, a result in Compare (light and dark), and
a warning that the partner is not in place. Needs what ``render_panel.py`` needs.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import render_panel as panels
import slicer
import vtk
from PIL import Image
from PySide6 import QtCore, QtGui, QtWidgets
from standins.application import Scene
from vtk.util.numpy_support import vtk_to_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

PANEL, VIEWS, HEIGHT = 450, 860, 760
BAR = 18
GAP = 2
QUALITY = 90


class Window:
    """The panel in a scroll area, and the views of the layout beside it."""

    def __init__(self) -> None:
        self.panel, self.content = panels._open()
        self.whole = panels.qt.QWidget()  # the panel asks its window for colours
        self.area = QtWidgets.QScrollArea(self.whole)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOff)
        self.area.setFrameShape(QtWidgets.QFrame.NoFrame)
        self.area.setWidget(self.content)
        self.area.setGeometry(0, 0, PANEL, HEIGHT)
        self.whole.setGeometry(0, 0, PANEL, HEIGHT)
        self.whole.show()
        self.manager = slicer.app.layoutManager()

    def settle(self, condition=lambda: True) -> None:
        """Wait until something holds and the panel has drawn itself."""
        panels._until(condition)
        panels._pass()

    def save(self, path: Path, shown: object) -> None:
        """Write the window as it is, with a widget of the panel scrolled into sight."""
        self._arrange()
        self.settle()
        self.area.ensureWidgetVisible(shown, 0, 0)
        self.settle()
        whole = QtGui.QImage(PANEL + VIEWS, HEIGHT, QtGui.QImage.Format_RGB888)
        whole.fill(self.whole.palette.color(QtGui.QPalette.Window))
        painter = QtGui.QPainter(whole)
        painter.drawPixmap(0, 0, self.whole.grab())
        for node, place in self._places():
            self._draw(painter, node, place)
        painter.end()
        _save(whole, path)

    def _places(self) -> list:
        """The views of the layout with where they lie, without those that it does not show."""
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        root = ET.fromstring(layout.GetCurrentLayoutDescription())
        return list(placed(root, QtCore.QRect(PANEL, 0, VIEWS, HEIGHT)))

    def _arrange(self) -> None:
        """Give each view its size, as the layout of a real window does when it is shown."""
        for node, place in self._places():
            view = self._view(node)
            window = view.renderWindow()
            window.SetSize(place.width(), place.height() - BAR)
            if node.IsA("vtkMRMLSliceNode"):
                view._resize()

    def _view(self, node: object) -> object:
        widget = self.manager.viewWidget(node)
        return widget.sliceView() if node.IsA("vtkMRMLSliceNode") else widget.threeDView()

    def _draw(self, painter: QtGui.QPainter, node: object, place: QtCore.QRect) -> None:
        bar = QtCore.QRect(place.topLeft(), QtCore.QSize(place.width(), BAR))
        color = [round(255 * part) for part in node.GetLayoutColor()]
        painter.fillRect(bar, QtGui.QColor(*color))
        painter.setPen(QtGui.QColor("black"))
        inside = bar.adjusted(6, 0, -6, 0)
        painter.drawText(inside, QtCore.Qt.AlignLeft | QtCore.Qt.AlignVCenter, _title(node))
        window = self._view(node).renderWindow()
        painter.drawImage(place.x(), place.y() + BAR, image_of(window))
        if not node.IsA("vtkMRMLSliceNode"):
            return
        offset = f"{node.GetOrientation()}  {node.GetSliceOffset():.1f} mm"
        painter.drawText(inside, QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter, offset)
        painter.setPen(QtGui.QColor("#f0f0c0"))
        corner = place.adjusted(6, BAR, -6, -4)
        names = "\n".join(_shown_in(node))
        painter.drawText(corner, QtCore.Qt.AlignLeft | QtCore.Qt.AlignBottom, names)


def main() -> None:
    """Write the pictures into the folder of the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    application, own = slicer.app.qt, panels.plain_application()
    light, dark = application.palette(), panels._dark()
    scene = Scene()
    window = Window()
    ui, panel = window.panel.ui, window.panel
    slicer.mrmlScene.AddNode(slicer.vtkMRMLCrosshairNode())

    panel._parameters.livePreview = False
    window.save(folder / "window_idle.jpg", ui.inputsSection)

    ui.sampleButton.click()
    slicer.app.layoutManager().resetSliceViews()
    panel._parameters.livePreview = True
    window._arrange()
    window.settle(lambda: "lies where" in ui.placeLabel.text and _shows_preview())
    window.save(folder / "window_preview.jpg", ui.messageLabel)

    panel._parameters.livePreview = False
    ui.applyButton.click()
    window.settle(lambda: not panel.logic.is_running and panel.runs.fused is not None)
    ui.compareButton.click()
    window._arrange()
    window.settle()
    window.save(folder / "window_compare.jpg", ui.saveButton)
    application.setPalette(dark)
    window.settle()
    panel.refresh()  # warnings have a colour for each theme
    window.save(folder / "window_compare_dark.jpg", ui.saveButton)

    ui.compareButton.click()
    _move(panel._parameters.partner, 18.0)
    window.settle(lambda: "off" in ui.placeLabel.text)
    window.save(folder / "window_not_in_place.jpg", ui.messageLabel)

    application.setPalette(light)
    panel.cleanup()
    scene.reset()  # see render_panel.py
    own.cleanup()


def placed(element: ET.Element, place: QtCore.QRect) -> Iterator[tuple]:
    """Divide a place as a layout says: in a row, in a column, or for the first of its items."""
    if element.tag == "view":
        node = slicer.mrmlScene.GetSingletonNode(element.get("singletontag"), element.get("class"))
        if node is not None:
            yield node, place
        return
    if element.tag == "item":
        for child in element:
            yield from placed(child, place)
        return
    items = list(element)
    is_row = element.get("type") == "horizontal"
    whole = place.width() if is_row else place.height()
    step = (whole + GAP) / len(items)
    for number, item in enumerate(items):
        start, after = round(number * step), round((number + 1) * step)
        size = after - start - GAP
        part = QtCore.QRect(place)
        if is_row:
            part.setLeft(place.left() + start)
            part.setWidth(size)
        else:
            part.setTop(place.top() + start)
            part.setHeight(size)
        yield from placed(item, part)


def _title(node: object) -> str:
    return node.GetLayoutLabel() or node.GetName()


def _shown_in(node: object) -> list:
    """What the corner of a slice view says: the volumes of it, the upper one first."""
    composite = slicer.app.layoutManager().viewWidget(node).mrmlSliceCompositeNode()
    names = []
    upper = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")
    lower = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
    if upper is not None and composite.GetForegroundOpacity() > 0:
        names.append(f"F: {upper.GetName()} ({100 * composite.GetForegroundOpacity():.0f}%)")
    return names + ([f"B: {lower.GetName()}"] if lower is not None else [])


def _shows_preview() -> bool:
    manager = slicer.app.layoutManager()
    views = [manager.sliceWidget(name).mrmlSliceNode() for name in manager.sliceViewNames()]
    return any(name.startswith("F: ") for view in views for name in _shown_in(view))


def image_of(window: vtk.vtkRenderWindow) -> QtGui.QImage:
    window.Render()
    reader = vtk.vtkWindowToImageFilter()
    reader.SetInput(window)
    reader.ReadFrontBufferOff()
    reader.Update()
    found = reader.GetOutput()
    width, height, _depth = found.GetDimensions()
    pixels = vtk_to_numpy(found.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].copy()
    return QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format_RGB888).copy()


def _move(node: object, millimetres: float) -> None:
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, millimetres)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())


def _save(image: QtGui.QImage, path: Path) -> None:
    """Write a JPEG: colours stay true to a level or two, at a third of the bytes of a PNG."""
    size = (image.width(), image.height())
    rgb = Image.frombuffer(
        "RGB", size, bytes(image.constBits()), "raw", "RGB", image.bytesPerLine(), 1
    )
    rgb.save(path, quality=QUALITY, subsampling=0, optimize=True)


if __name__ == "__main__":
    main()
