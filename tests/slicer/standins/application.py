"""The parts of the application that the panel asks for: scene, colours, views, settings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import slicer
from PySide6 import QtCore, QtWidgets

from .layout_manager import LayoutManager
from .strict import as_listed

MODULE = Path(__file__).resolve().parents[3] / "MACTFusionSlicer" / "MACTFusion.py"


VIEWS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


class ModuleManager:
    def connect(self, *_):
        pass

    disconnect = connect


class Application:
    """``slicer.app``."""

    def __init__(self):
        self.qt = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
        self._modules = ModuleManager()
        self._layout_manager = self._logic = None

    def connect(self, *_):
        pass

    def moduleManager(self):  # noqa: N802
        return self._modules

    def processEvents(self):  # noqa: N802
        self.qt.processEvents()

    def testingEnabled(self):  # noqa: N802
        return True

    def translate(self, _context, text):
        return text

    def startupEnvironment(self):  # noqa: N802
        return QtCore.QProcessEnvironment.systemEnvironment()

    def userSettings(self):  # noqa: N802
        return QtCore.QSettings()

    def settings(self):
        return QtCore.QSettings()

    def layoutManager(self):  # noqa: N802
        return self._layout_manager

    def applicationLogic(self):  # noqa: N802
        return self._logic


as_listed(ModuleManager, "qSlicerModuleManager")
as_listed(Application, "qSlicerApplication")


class Scene:
    """A MRML scene with what the application adds to it: colours, views, a layout."""

    def __init__(self):
        self.scene = slicer.mrmlScene = slicer.vtkMRMLScene()
        self.application = slicer.vtkMRMLApplicationLogic()
        self.application.SetMRMLScene(self.scene)
        self.colors = slicer.vtkMRMLColorLogic()
        self.colors.SetMRMLScene(self.scene)
        self.application.SetModuleLogic("Colors", self.colors)
        self.rendering = slicer.vtkSlicerVolumeRenderingLogic()
        self.rendering.SetMRMLApplicationLogic(self.application)
        self.rendering.SetMRMLScene(self.scene)
        slicer.modules.volumerendering = SimpleNamespace(logic=lambda: self.rendering)
        self.manager = LayoutManager(self.scene, self.application)
        slicer.app._logic, slicer.app._layout_manager = self.application, self.manager
        self.reset()

    @property
    def slices(self):
        """The logic of each slice view by the view's name."""
        manager = self.manager
        return {name: manager.sliceWidget(name).sliceLogic() for name in manager.sliceViewNames()}

    def reset(self):
        """Empty the scene, and take the views back to those of the start."""
        self.scene.Clear(False)
        self.manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        for name, logic in self.slices.items():
            node = logic.GetSliceNode()
            if name not in VIEWS:
                self.scene.RemoveNode(logic.GetSliceCompositeNode())
                self.scene.RemoveNode(node)
                continue
            node.SetOrientation(VIEWS[name])
            node.SetFieldOfView(250, 250, 1)
            node.SetDimensions(256, 256, 1)
            node.SetSliceOffset(0)


def install():
    """Make ``slicer.app`` and the functions that need the module manager."""
    QtCore.QCoreApplication.setOrganizationName("MACTFusionTests")
    slicer.app = Application()
    slicer.util.modulePath = lambda _name: str(MODULE)
    slicer.modules = type("Modules", (), {})()
