"""PythonQt's look and feel over PySide6, as far as the panel and Slicer's Python layer use it.

PythonQt shows properties as attributes (``button.text``, not ``button.text()``). Here each widget
class gets a subclass that does the same. Slicer's own widgets are drawn plainly.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets
from PySide6.QtCore import Property, Signal

from .node_selector import NodeComboBox
from .path_edit import PathLineEdit
from .pythonqt import CLASSES, Widget
from .strict import RELEASE, as_listed, listed_module


class CollapsibleButton(Widget):
    HEADER = 26
    contentsCollapsed = Signal(bool)  # noqa: N815

    def __init__(self, parent=None):
        super().__init__(parent)
        self._text, self._collapsed, self._is_forcing = "", False, False
        self.setContentsMargins(0, self.HEADER, 0, 0)

    def paintEvent(self, event):  # noqa: N802
        painter = QtGui.QPainter(self)
        header = QtWidgets.QStyleOptionButton()
        header.initFrom(self)
        header.rect = QtCore.QRect(0, 1, self.width(), self.HEADER - 3)
        self.style().drawControl(QtWidgets.QStyle.CE_PushButtonBevel, header, painter, self)
        arrow = "▸" if self._collapsed else "▾"
        box = header.rect.adjusted(8, 0, 0, 0)
        painter.setPen(self.palette().color(QtGui.QPalette.ButtonText))
        painter.drawText(box, QtCore.Qt.AlignVCenter, f"{arrow}  {self._text}")

    palette = QtWidgets.QWidget.palette
    height = QtWidgets.QWidget.height
    width = QtWidgets.QWidget.width

    def _set_text(self, text):
        self._text = text

    def _set_collapsed(self, collapsed):
        has_changed, self._collapsed = collapsed != self._collapsed, collapsed
        self._force_all()
        self.setMaximumHeight(self.HEADER if collapsed else 16777215)
        if has_changed:
            self.contentsCollapsed.emit(collapsed)

    def setVisible(self, is_shown):  # noqa: N802
        self._is_forcing = True
        super().setVisible(is_shown)
        self._is_forcing = False
        self._force_all()

    def _force_all(self):
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindDirectChildrenOnly):
            self._force(child)

    def _force(self, child):
        """Hide a child with the others, and show only one that nobody else has hidden."""
        if not self.testAttribute(QtCore.Qt.WA_WState_Created):
            return
        self._is_forcing = True
        is_wanted = child.property("visibilityToParent")
        child.setVisible(not self._collapsed and is_wanted is not False)
        self._is_forcing = False

    def childEvent(self, event):  # noqa: N802
        super().childEvent(event)
        child = event.child()
        if event.added() and child.isWidgetType():
            if child.testAttribute(QtCore.Qt.WA_WState_ExplicitShowHide) and child.isHidden():
                child.setProperty("visibilityToParent", False)
            child.installEventFilter(self)
            if self._collapsed:
                self._force(child)

    def eventFilter(self, child, event):  # noqa: N802
        kinds = {QtCore.QEvent.ShowToParent: True, QtCore.QEvent.HideToParent: False}
        if not self._is_forcing and event.type() in kinds:
            child.setProperty("visibilityToParent", kinds[event.type()])
            if self._collapsed and kinds[event.type()]:
                self._force(child)
        return False

    text = Property(str, lambda self: self._text, _set_text)
    collapsed = Property(bool, lambda self: self._collapsed, _set_collapsed)


class SliderWidget(Widget):
    valueChanged = Signal(float)  # noqa: N815

    def __init__(self, parent=None):
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.slider = QtWidgets.QSlider(QtCore.Qt.Horizontal, maximum=1000)
        self.box = QtWidgets.QDoubleSpinBox()
        layout.addWidget(self.slider)
        layout.addWidget(self.box)
        self.box.valueChanged.connect(self._moved)
        self.slider.valueChanged.connect(self._slid)

    def _span(self):
        return self.box.minimum(), max(self.box.maximum() - self.box.minimum(), 1e-9)

    def _moved(self, value):
        low, span = self._span()
        self.slider.blockSignals(True)
        self.slider.setValue(round((value - low) / span * 1000))
        self.slider.blockSignals(False)
        self.valueChanged.emit(value)

    def _slid(self, position):
        low, span = self._span()
        self.box.setValue(low + span * position / 1000)

    minimum = Property(float, lambda s: s.box.minimum(), lambda s, v: s.box.setMinimum(v))
    maximum = Property(float, lambda s: s.box.maximum(), lambda s, v: s.box.setMaximum(v))
    singleStep = Property(  # noqa: N815
        float, lambda s: s.box.singleStep(), lambda s, v: s.box.setSingleStep(v)
    )
    decimals = Property(int, lambda s: s.box.decimals(), lambda s, v: s.box.setDecimals(v))
    value = Property(float, lambda s: s.box.value(), lambda s, v: s.box.setValue(v))


class MRMLWidget(Widget):
    mrmlSceneChanged = Signal(object)  # noqa: N815

    def setMRMLScene(self, scene):  # noqa: N802
        self.mrmlSceneChanged.emit(scene)


class WindowLevelWidget(Widget):
    """Window and level of a volume's display node, as ``qMRMLWindowLevelWidget`` binds them."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node, self._tag = None, None
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.boxes = [QtWidgets.QDoubleSpinBox() for _ in range(2)]
        for box, prefix in zip(self.boxes, ("W: ", "L: "), strict=True):
            box.setRange(-1e9, 1e9)
            box.setPrefix(prefix)
            box.valueChanged.connect(self._changed)
            layout.addWidget(box)
        self._show()

    def setMRMLVolumeNode(self, node):  # noqa: N802
        if self._node is not None and self._tag is not None:
            self._node.RemoveObserver(self._tag)
        self._node, self._tag = node, None
        if node is not None:
            self._tag = node.AddObserver(node.DisplayModifiedEvent, lambda *_: self._show())
        self._show()

    def mrmlVolumeNode(self):  # noqa: N802
        return self._node

    def _display(self):
        return None if self._node is None else self._node.GetDisplayNode()

    def _show(self):
        display = self._display()
        self.setEnabled(display is not None)
        if display is not None:
            for box, value in zip(
                self.boxes, (display.GetWindow(), display.GetLevel()), strict=True
            ):
                was_blocked = box.blockSignals(True)
                box.setValue(value)
                box.blockSignals(was_blocked)

    def _changed(self, _value):
        display = self._display()
        if display is not None:
            display.SetAutoWindowLevel(False)
            display.SetWindowLevel(*(box.value() for box in self.boxes))


def _without_what_is_set_later(ui):
    """Leave out of a .ui what QUiLoader cannot do here; :class:`Loader` does it."""
    ui = re.sub(rb'<property name="filters">.*?</property>', b"", ui, flags=re.DOTALL)
    start, end = ui.find(b"<connections>"), ui.find(b"</connections>")
    return ui if start < 0 else ui[:start] + b"<connections>" + ui[end:]


SLICER_WIDGETS = {
    "qMRMLWidget": MRMLWidget,
    "qMRMLNodeComboBox": NodeComboBox,
    "qMRMLWindowLevelWidget": WindowLevelWidget,
    "qMRMLSliderWidget": None,
    "qMRMLSpinBox": None,
    "qMRMLRangeWidget": None,
    "qSlicerWidget": None,
}
CTK_WIDGETS = {
    "ctkCollapsibleButton": CollapsibleButton,
    "ctkSliderWidget": SliderWidget,
    "ctkPathLineEdit": PathLineEdit,
}


for _kinds in (SLICER_WIDGETS, CTK_WIDGETS):
    for _name, _kind in _kinds.items():
        if _kind is not None:
            as_listed(_kind, _name)


class Loader(QtUiTools.QUiLoader):
    """Makes the subclasses above, and the connections of the file that concern the scene."""

    def createWidget(self, kind, parent=None, name=""):  # noqa: N802
        known = {**CLASSES, **SLICER_WIDGETS, **CTK_WIDGETS}.get(kind)
        if known is None:
            return super().createWidget(kind, parent, name)
        widget = known(parent)
        widget.setObjectName(name)
        return widget

    def load(self, file):
        content = QtCore.QBuffer()
        ui = bytes(file.readAll())
        content.setData(_without_what_is_set_later(ui))
        widget = super().load(content)
        for combo in widget.findChildren(NodeComboBox):
            widget.mrmlSceneChanged.connect(combo.setMRMLScene)
        for name, flags in _path_filters(ui).items():
            widget.findChild(PathLineEdit, name)._filters = flags
        return widget


def _path_filters(ui):
    """What each path edit of a .ui may be set to, by its name: flags that QUiLoader cannot read."""
    found = {}
    for widget in ET.fromstring(ui).iter("widget"):
        for prop in widget.findall("property"):
            if prop.get("name") == "filters" and prop.find("set") is not None:
                flags = prop.findtext("set").split("|")
                found[widget.get("name")] = {flag.rpartition("::")[2] for flag in flags}
    return found


def install(slicer):
    """Put modules ``qt`` and ``ctk`` and Slicer's widgets where ``import`` finds them."""
    qt, ctk = listed_module("qt", "Q"), listed_module("ctk", "ctk")
    for library in (QtCore, QtGui, QtWidgets):
        vars(qt).update({name: getattr(library, name) for name in dir(library) if name[0] == "Q"})
    vars(qt).update(CLASSES)
    qt.QUiLoader = Loader
    ctk.__getattr__ = lambda name: _unused(name)
    vars(ctk).update(CTK_WIDGETS)
    for name, kind in SLICER_WIDGETS.items():
        setattr(slicer, name, kind or _unused(name))
    sys.modules.update(qt=qt, ctk=ctk)


def _unused(name):
    if name not in RELEASE.classes:
        raise AttributeError(f"Slicer {RELEASE.name} has no {name}")
    return as_listed(type(name, (Widget,), {}), name)
