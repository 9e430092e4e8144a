"""The widgets of slice and 3-D views: real slice logics, real rendering, no window on a screen.

Images are drawn only when a render window is asked for; most tests never do.
"""

from __future__ import annotations

import slicer
import vtk

from .pythonqt import Widget
from .strict import as_listed

DEFAULT_SIZE = (256, 256)


class RenderView(Widget):
    """``ctkVTKAbstractView``: a render window with what Slicer's displayable managers draw."""

    _factory = ""

    def __init__(self, node, logic, parent=None):
        super().__init__(parent)
        self._node, self._logic = node, logic
        self._window = self._managers = None
        self._renderer = vtk.vtkRenderer()
        self._corner = vtk.vtkCornerAnnotation()
        self._corner.SetMaximumLineHeight(0.07)
        self._renderer.AddViewProp(self._corner)

    def renderWindow(self):  # noqa: N802
        if self._window is None:
            self._window = vtk.vtkRenderWindow()
            self._window.SetOffScreenRendering(True)
            self._window.SetMultiSamples(0)
            self._window.SetSize(*DEFAULT_SIZE)
            self._window.AddRenderer(self._renderer)
            self._fill_window()
        return self._window

    def cornerAnnotation(self):  # noqa: N802
        return self._corner

    def interactor(self):
        return self.renderWindow().GetInteractor()

    def scheduleRender(self):  # noqa: N802
        pass  # a later turn of the event loop draws; here whoever wants a picture asks for it

    def forceRender(self):  # noqa: N802
        self.renderWindow().Render()

    def displayableManagerByClassName(self, name):  # noqa: N802
        self.renderWindow()
        return self._managers.GetDisplayableManagerByClassName(name)

    def _fill_window(self):
        interactor = vtk.vtkRenderWindowInteractor()
        interactor.SetRenderWindow(self._window)
        factory = getattr(slicer, self._factory).GetInstance()
        factory.SetMRMLApplicationLogic(self._logic.GetMRMLApplicationLogic())
        for name in self._manager_names():
            if hasattr(slicer, name) and not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self._managers = factory.InstantiateDisplayableManagers(self._renderer)
        self._managers.SetMRMLDisplayableNode(self._node)

    def _manager_names(self):
        return ()

    def _let_go(self):
        if self._managers is not None:
            self._managers.SetMRMLDisplayableNode(None)
            self._managers = None
        if self._window is not None:
            self._window.Finalize()
            self._window = None


class SliceView(RenderView):
    """``qMRMLSliceView``."""

    _factory = "vtkMRMLSliceViewDisplayableManagerFactory"

    def renderWindow(self):  # noqa: N802
        is_new = self._window is None
        window = super().renderWindow()
        if is_new:
            self._renderer.GetActiveCamera().ParallelProjectionOn()
            self._mapper = vtk.vtkImageMapper()
            self._mapper.SetColorWindow(255)
            self._mapper.SetColorLevel(127.5)
            actor = vtk.vtkActor2D()
            actor.SetMapper(self._mapper)
            actor.GetProperty().SetDisplayLocationToBackground()
            self._renderer.AddViewProp(actor)
            self._resize()
        # The logic has another one once it shows a volume.
        self._mapper.SetInputConnection(self._logic.GetImageDataConnection())
        return window

    def mrmlSliceNode(self):  # noqa: N802
        return self._node

    def convertDeviceToXYZ(self, point):  # noqa: N802
        return [float(point[0]), float(point[1]), 0.0]

    def convertXYZToRAS(self, point):  # noqa: N802
        return list(self._node.GetXYToRAS().MultiplyPoint([*point, 1.0])[:3])

    def convertRASToXYZ(self, point):  # noqa: N802
        to_slice = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), to_slice)
        return list(to_slice.MultiplyPoint([*point, 1.0])[:3])

    def _manager_names(self):
        return (
            "vtkMRMLVolumeGlyphSliceDisplayableManager",
            "vtkMRMLModelSliceDisplayableManager",
            "vtkMRMLCrosshairDisplayableManager",
            "vtkMRMLOrientationMarkerDisplayableManager",
            "vtkMRMLRulerDisplayableManager",
            "vtkMRMLColorLegendDisplayableManager",
        )

    def _resize(self):
        width, height = self._window.GetSize()
        self._logic.ResizeSliceNode(width, height)


class ThreeDView(RenderView):
    """``qMRMLThreeDView``."""

    _factory = "vtkMRMLThreeDViewDisplayableManagerFactory"

    def mrmlViewNode(self):  # noqa: N802
        return self._node

    def cameraNode(self):  # noqa: N802
        scene = self._node.GetScene()
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
            camera = scene.GetNthNodeByClass(index, "vtkMRMLCameraNode")
            if camera.GetLayoutName() == self._node.GetLayoutName():
                return camera
        return None

    def resetFocalPoint(self):  # noqa: N802
        self._renderer.ResetCamera()

    def resetCamera(self, *_how):  # noqa: N802
        self._renderer.ResetCamera()

    def _manager_names(self):
        return (
            "vtkMRMLCameraDisplayableManager",
            "vtkMRMLViewDisplayableManager",
            "vtkMRMLModelDisplayableManager",
            "vtkMRMLVolumeRenderingDisplayableManager",
        )


class SliceController(Widget):
    """``qMRMLSliceControllerWidget``, as far as it can be asked."""

    def __init__(self, logic, parent=None):
        super().__init__(parent)
        self._logic = logic

    def sliceLogic(self):  # noqa: N802
        return self._logic

    def fitSliceToBackground(self):  # noqa: N802
        self._logic.FitSliceToBackground(True)

    def setSliceOffsetValue(self, offset):  # noqa: N802
        self._logic.SetSliceOffset(offset)

    def setSliceVisible(self, is_visible):  # noqa: N802
        self._logic.GetSliceNode().SetSliceVisible(is_visible)

    def setSliceLink(self, is_linked):  # noqa: N802
        self._logic.GetSliceCompositeNode().SetLinkedControl(is_linked)


class SliceWidget(Widget):
    """``qMRMLSliceWidget``, with the logic that the layout manager gives it."""

    def __init__(self, node, application, parent=None):
        super().__init__(parent)
        self.setObjectName(f"qMRMLSliceWidget{node.GetLayoutName()}")
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(application)
        self._logic.SetSliceNode(node)
        self._logic.SetMRMLScene(node.GetScene())
        self._view = SliceView(node, self._logic, self)
        self._controller = SliceController(self._logic, self)

    def sliceLogic(self):  # noqa: N802
        return self._logic

    logic = sliceLogic

    def sliceView(self):  # noqa: N802
        return self._view

    viewWidget = sliceView  # noqa: N815

    def sliceController(self):  # noqa: N802
        return self._controller

    def mrmlSliceNode(self):  # noqa: N802
        return self._logic.GetSliceNode()

    mrmlAbstractViewNode = mrmlSliceNode  # noqa: N815

    def mrmlSliceCompositeNode(self):  # noqa: N802
        return self._logic.GetSliceCompositeNode()

    def imageDataConnection(self):  # noqa: N802
        return self._logic.GetImageDataConnection()

    def fitSliceToBackground(self):  # noqa: N802
        self._controller.fitSliceToBackground()

    def overlayCornerAnnotation(self):  # noqa: N802
        return self._view.cornerAnnotation()

    def _let_go(self):
        self._view._let_go()
        self._logic.SetMRMLScene(None)


class ThreeDWidget(Widget):
    """``qMRMLThreeDWidget``."""

    def __init__(self, node, application, parent=None):
        super().__init__(parent)
        self.setObjectName(f"ThreeDWidget{node.GetLayoutName()}")
        self._logic = slicer.vtkMRMLViewLogic()
        self._logic.SetMRMLApplicationLogic(application)
        self._logic.SetMRMLScene(node.GetScene())
        self._view = ThreeDView(node, self._logic, self)

    def viewLogic(self):  # noqa: N802
        return self._logic

    logic = viewLogic

    def threeDView(self):  # noqa: N802
        return self._view

    viewWidget = threeDView  # noqa: N815

    def mrmlViewNode(self):  # noqa: N802
        return self._view.mrmlViewNode()

    mrmlAbstractViewNode = mrmlViewNode  # noqa: N815

    def _let_go(self):
        self._view._let_go()
        self._logic.SetMRMLScene(None)


for _kind, _name in (
    (RenderView, "ctkVTKAbstractView"),
    (SliceView, "qMRMLSliceView"),
    (ThreeDView, "qMRMLThreeDView"),
    (SliceController, "qMRMLSliceControllerWidget"),
    (SliceWidget, "qMRMLSliceWidget"),
    (ThreeDWidget, "qMRMLThreeDWidget"),
):
    as_listed(_kind, _name)
WIDGETS = {"vtkMRMLSliceNode": SliceWidget, "vtkMRMLViewNode": ThreeDWidget}
