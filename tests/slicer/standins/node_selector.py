"""``qMRMLNodeComboBox``: a list of nodes that follows the scene, with the real one's signals."""

from __future__ import annotations

import shiboken6
from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal

from .pythonqt import Widget


def _setting(name, kind, default):
    def read(self):
        return self._settings.get(name, default)

    def write(self, value):
        self._settings[name] = value
        self._refill()

    return Property(kind, read, write)


class NodeComboBox(Widget):
    """Shows the nodes of some classes.

    Its last rows make a new node of each of the classes, delete the chosen node, or rename it,
    as far as the properties allow.
    """

    currentNodeChanged = Signal(object)  # noqa: N815
    currentNodeIDChanged = Signal(str)  # noqa: N815
    nodeActivated = Signal(object)  # noqa: N815
    nodeAdded = Signal(object)  # noqa: N815
    nodeAddedByUser = Signal(object)  # noqa: N815
    nodeAboutToBeRemoved = Signal(object)  # noqa: N815
    nodeTypes = _setting("nodeTypes", "QStringList", [])  # noqa: N815
    noneDisplay = _setting("noneDisplay", str, "None")  # noqa: N815
    noneEnabled = _setting("noneEnabled", bool, False)  # noqa: N815
    addEnabled = _setting("addEnabled", bool, True)  # noqa: N815
    removeEnabled = _setting("removeEnabled", bool, True)  # noqa: N815
    editEnabled = _setting("editEnabled", bool, False)  # noqa: N815
    renameEnabled = _setting("renameEnabled", bool, False)  # noqa: N815
    showHidden = _setting("showHidden", bool, False)  # noqa: N815
    showChildNodeTypes = _setting("showChildNodeTypes", bool, True)  # noqa: N815
    selectNodeUponCreation = _setting("selectNodeUponCreation", bool, True)  # noqa: N815
    baseName = _setting("baseName", str, "")  # noqa: N815

    def __init__(self, parent=None):
        super().__init__(parent)
        self._settings = {}
        self._scene = None
        self._nodes, self._acts = [], []
        self._chosen = None
        self._combo = QtWidgets.QComboBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self.setFocusProxy(self._combo)
        self.setEnabled(False)  # until it has a scene
        self._combo.activated.connect(self._activate)

    def mrmlScene(self):  # noqa: N802
        return self._scene

    def setMRMLScene(self, scene):  # noqa: N802
        self._scene = scene
        self.setEnabled(scene is not None)
        for event in (
            *(scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent),
            scene.EndBatchProcessEvent,
        ):
            scene.AddObserver(event, lambda *_: self._refill())
        self._refill()

    def currentNode(self):  # noqa: N802
        return self._chosen

    def nodeCount(self):  # noqa: N802
        return len([node for node in self._nodes if node is not None])

    def setCurrentNode(self, node):  # noqa: N802
        self._refill()
        chosen = node if node in self._nodes else None
        if chosen is not self._chosen:
            self._choose(chosen)
        self._show_chosen()

    def setCurrentNodeID(self, identity):  # noqa: N802
        self.setCurrentNode(self._scene.GetNodeByID(identity) if identity else None)

    def addNode(self, kind=None):  # noqa: N802
        """Make a node of a class, by default of the first one, and choose it."""
        kind = kind or self.nodeTypes[0]
        if kind not in self.nodeTypes:
            return None
        node = self._scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        name = self.baseName or node.GetName() or node.GetDefaultNodeNamePrefix()
        node.SetName(self._scene.GetUniqueNameByString(name))
        node = self._scene.AddNode(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self):  # noqa: N802
        node = self._chosen
        if node is not None:
            self.nodeAboutToBeRemoved.emit(node)
            self._scene.RemoveNode(node)

    def _activate(self, row):
        if row < len(self._nodes):
            node = self._nodes[row]
            if node is not self._chosen:
                self._choose(node)
            self.nodeActivated.emit(node)
        else:
            self._acts[row - len(self._nodes)]()
        self._show_chosen()

    def _choose(self, node):
        self._chosen = node
        self.currentNodeChanged.emit(node)
        self.currentNodeIDChanged.emit("" if node is None else node.GetID())

    def _refill(self):
        if not shiboken6.isValid(self) or self._scene is None or self._scene.IsBatchProcessing():
            return
        found = []
        for kind in self.nodeTypes:
            of_kind = self._scene.GetNumberOfNodesByClass(kind)
            nodes = [self._scene.GetNthNodeByClass(index, kind) for index in range(of_kind)]
            exact = [n for n in nodes if self.showChildNodeTypes or n.GetClassName() == kind]
            found += [node for node in exact if node not in found]
        visible = [node for node in found if self.showHidden or not node.GetHideFromEditors()]
        self._nodes = [*([None] if self.noneEnabled else []), *visible]
        self._combo.clear()
        if self.noneEnabled:
            self._combo.addItem(self.noneDisplay)
        for node in visible:
            self._combo.addItem(node.GetName())
        self._add_acts()
        if self._chosen is not None and self._chosen not in self._nodes:
            self._choose(None)
        self._show_chosen()

    def _add_acts(self):
        self._acts = []
        if self.addEnabled:
            for kind in self.nodeTypes:
                title = self._scene.GetTypeDisplayNameByClassName(kind) or "node"
                self._combo.addItem(f"Create new {title}")
                self._acts.append(lambda kind=kind: self.addNode(kind))
        if self.removeEnabled:
            self._combo.addItem("Delete current")
            self._acts.append(self.removeCurrentNode)

    def _show_chosen(self):
        place = self._nodes.index(self._chosen) if self._chosen in self._nodes else -1
        self._combo.setCurrentIndex(place)
