"""``slicer.app.layoutManager()``: makes and maps the views that the layout of the scene names.

The rules are those of ``qMRMLLayoutManager``: a view node that comes into the scene gets its widget
at once, also where no layout shows it; a change of the layout node maps the views of its
description, and no others; while the scene is in a batch nothing is done until it ends.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import slicer
import vtk
from PySide6 import QtCore
from PySide6.QtCore import Signal

from .strict import as_listed
from .views import WIDGETS


class LayoutManager(QtCore.QObject):
    """The views of a scene."""

    layoutChanged = Signal(int)  # noqa: N815
    nodeAboutToBeEdited = Signal(object)  # noqa: N815

    def __init__(self, scene, application):
        super().__init__()
        self._scene, self._application = scene, application
        self._widgets = {}  # by the node's identity in the scene
        self._slice_logics, self._view_logics = vtk.vtkCollection(), vtk.vtkCollection()
        self._layout_node = None
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._observed = None
        for event, act in (
            (scene.NodeAddedEvent, self._node_added),
            (scene.NodeRemovedEvent, self._node_removed),
            (scene.StartCloseEvent, lambda *_: self._unmap()),
            (scene.EndCloseEvent, lambda *_: self._scene_changed()),
            (scene.EndRestoreEvent, lambda *_: self._layout_modified()),
            (scene.EndBatchProcessEvent, lambda *_: self._scene_changed()),
        ):
            scene.AddObserver(event, act)
        self._logic.SetMRMLScene(scene)
        application.SetSliceLogics(self._slice_logics)
        application.SetViewLogics(self._view_logics)
        self._scene_changed()

    # ---- what it can be asked

    @property
    def layout(self):
        return self._layout_node.GetViewArrangement()

    @layout.setter
    def layout(self, number):
        self.setLayout(number)

    @property
    def threeDViewCount(self):  # noqa: N802
        return len(self._of_kind("vtkMRMLViewNode"))

    @property
    def tableViewCount(self):  # noqa: N802
        return 0

    @property
    def plotViewCount(self):  # noqa: N802
        return 0

    def setLayout(self, number):  # noqa: N802
        self._layout_node.SetViewArrangement(number)

    def layoutLogic(self):  # noqa: N802
        return self._logic

    def mrmlScene(self):  # noqa: N802
        return self._scene

    def mrmlSliceLogics(self):  # noqa: N802
        return self._slice_logics

    def mrmlViewLogics(self):  # noqa: N802
        return self._view_logics

    def sliceViewNames(self):  # noqa: N802
        """Of all views that there are, also hidden ones."""
        return tuple(node.GetName() for node, _widget in self._of_kind("vtkMRMLSliceNode"))

    def sliceWidget(self, name):  # noqa: N802
        return self._named("vtkMRMLSliceNode", name)

    def threeDWidget(self, name):  # noqa: N802
        if isinstance(name, str):
            return self._named("vtkMRMLViewNode", name)
        views = self._of_kind("vtkMRMLViewNode")
        return views[name][1] if 0 <= name < len(views) else None

    def viewWidget(self, node):  # noqa: N802
        return None if node is None else self._widgets.get(node.GetID(), (None, None))[1]

    def viewWidgets(self):  # noqa: N802
        return tuple(widget for _node, widget in self._widgets.values())

    def activeMRMLThreeDViewNode(self):  # noqa: N802
        views = self._of_kind("vtkMRMLViewNode")
        return views[0][0] if views else None

    def resetSliceViews(self):  # noqa: N802
        for name in self.sliceViewNames():
            self.sliceWidget(name).sliceController().fitSliceToBackground()

    def resetThreeDViews(self):  # noqa: N802
        for index in range(self.threeDViewCount):
            view = self.threeDWidget(index).threeDView()
            view.resetFocalPoint()
            view.resetCamera()

    def setRenderPaused(self, is_paused):  # noqa: N802
        pass

    def pauseRender(self):  # noqa: N802
        pass

    def resumeRender(self):  # noqa: N802
        pass

    # ---- what it does of itself

    def _of_kind(self, kind):
        return [pair for pair in self._widgets.values() if pair[0].IsA(kind)]

    def _named(self, kind, name):
        found = (widget for node, widget in self._of_kind(kind) if node.GetName() == name)
        return next(found, None)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_added(self, _scene, _event, node):
        if self._scene.IsBatchProcessing():
            return
        if node.IsA("vtkMRMLLayoutNode") and self._layout_node is None:
            self._observe(node)
        self._make_widget(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_removed(self, _scene, _event, node):
        if node.IsA("vtkMRMLLayoutNode"):
            self._observe(None)
        _node, widget = self._widgets.pop(node.GetID(), (None, None))
        if widget is None:
            return
        logics = self._slice_logics if node.IsA("vtkMRMLSliceNode") else self._view_logics
        logics.RemoveItem(widget.logic())
        widget._let_go()
        widget.deleteLater()

    def _make_widget(self, node):
        kind = next((kind for kind in WIDGETS if node.IsA(kind)), None)
        if kind is None or node.GetID() in self._widgets or node.GetParentLayoutNode():
            return
        widget = WIDGETS[kind](node, self._application)
        self._widgets[node.GetID()] = (node, widget)
        is_slice = kind == "vtkMRMLSliceNode"
        (self._slice_logics if is_slice else self._view_logics).AddItem(widget.logic())

    def _scene_changed(self):
        if self._scene.IsBatchProcessing():
            return
        kind = "vtkMRMLAbstractViewNode"
        for index in range(self._scene.GetNumberOfNodesByClass(kind)):
            self._make_widget(self._scene.GetNthNodeByClass(index, kind))
        self._observe(self._logic.GetLayoutNode())

    def _observe(self, node):
        if node is not self._layout_node:
            if self._layout_node is not None:
                self._layout_node.RemoveObserver(self._observed)
            if node is not None:
                act = self._layout_modified
                self._observed = node.AddObserver(vtk.vtkCommand.ModifiedEvent, act)
            self._layout_node = node
        self._layout_modified()

    def _unmap(self):
        for node, _widget in self._widgets.values():
            node.SetMappedInLayout(False)

    def _layout_modified(self, *_unused):
        if self._layout_node is None or self._scene.IsBatchProcessing():
            return
        self._unmap()
        text = self._layout_node.GetCurrentLayoutDescription()
        for view in ET.fromstring(text).iter("view") if text else ():
            node = self._scene.GetSingletonNode(view.get("singletontag"), view.get("class"))
            if node is not None:
                self._make_widget(node)
                node.SetMappedInLayout(True)
        self.layoutChanged.emit(self._layout_node.GetViewArrangement())


as_listed(LayoutManager, "qSlicerLayoutManager")
