"""The parts of the application that the panel asks for: scene, colours, views, settings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import slicer
from PySide6 import QtCore, QtWidgets

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
        return None


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
        self.layout = slicer.vtkMRMLLayoutLogic()
        self.layout.SetMRMLScene(self.scene)
        self.slices = {}
        for name in VIEWS:
            self.add_view(name)
        self.reset()

    def reset(self):
        """Empty the scene, and turn the views back."""
        self.scene.Clear(False)
        for name, logic in self.slices.items():
            logic.GetSliceNode().SetOrientation(VIEWS.get(name, "Axial"))
            logic.GetSliceNode().SetSliceOffset(0)

    def add_view(self, name):
        """Give a view its logic, as the layout manager of the application does."""
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.application)
        logic.SetMRMLScene(self.scene)
        logic.AddSliceNode(name)
        node = logic.GetSliceNode()
        node.SetFieldOfView(250, 250, 1)
        node.SetDimensions(256, 256, 1)
        self.slices[name] = logic
        return logic


def install():
    """Make ``slicer.app`` and the functions that need the module manager."""
    QtCore.QCoreApplication.setOrganizationName("MACTFusionTests")
    slicer.app = Application()
    slicer.util.modulePath = lambda _name: str(MODULE)
    slicer.modules = type("Modules", (), {})()
