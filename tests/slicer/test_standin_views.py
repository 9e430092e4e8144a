"""The stand-in of the layout manager makes and maps views as the application does."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib.self_test import make_pair

ROW = (
    '<layout type="horizontal">'
    '<item><view class="vtkMRMLSliceNode" singletontag="Near">'
    '<property name="orientation" action="default">Coronal</property></view></item>'
    '<item><view class="vtkMRMLSliceNode" singletontag="Far"/></item></layout>'
)
OWN = 7999


@pytest.fixture
def manager(scene):
    return slicer.app.layoutManager()


def mapped():
    nodes = slicer.util.getNodesByClass("vtkMRMLAbstractViewNode")
    return sorted(node.GetLayoutName() for node in nodes if node.IsMappedInLayout())


def test_a_new_layout_makes_its_views_at_once_and_hides_the_others(manager):
    told = []
    manager.layoutChanged.connect(told.append)
    layout = manager.layoutLogic().GetLayoutNode()
    assert mapped() == ["1", "Green", "Red", "Yellow"]
    layout.AddLayoutDescription(OWN, ROW)
    layout.SetViewArrangement(OWN)
    assert told[-1] == manager.layout == OWN
    assert mapped() == ["Far", "Near"]
    assert set(manager.sliceViewNames()) == {"Red", "Green", "Yellow", "Near", "Far"}
    near = manager.sliceWidget("Near")
    assert near.mrmlSliceNode().GetOrientation() == "Coronal"
    assert near.mrmlSliceNode().GetFieldOfView() == (250, 250, 1)
    assert near.mrmlSliceNode().GetSliceOffset() == 0
    assert near.sliceLogic() in list(slicer.app.applicationLogic().GetSliceLogics())
    manager.setLayout(layout.SlicerLayoutOneUp3DView)
    assert mapped() == ["1"]
    assert manager.sliceWidget("Near") is near  # hidden, and still there
    assert manager.sliceWidget("None") is None
    assert manager.threeDWidget(0) is manager.threeDWidget("View1")
    manager.layoutChanged.disconnect(told.append)


def test_a_batch_is_waited_for_and_a_closed_scene_keeps_its_layout(manager, scene):
    layout = manager.layoutLogic().GetLayoutNode()
    scene.scene.StartState(scene.scene.BatchProcessState)
    layout.SetViewArrangement(layout.SlicerLayoutOneUpRedSliceView)
    assert "Green" in mapped()
    scene.scene.EndState(scene.scene.BatchProcessState)
    assert mapped() == ["Red"]
    scene.scene.Clear(False)
    assert manager.layout == layout.SlicerLayoutOneUpRedSliceView
    assert mapped() == ["Red"]


def test_a_removed_view_takes_its_widget_along(manager, scene):
    layout = manager.layoutLogic().GetLayoutNode()
    layout.AddLayoutDescription(OWN, ROW)
    manager.setLayout(OWN)
    count = slicer.app.applicationLogic().GetSliceLogics().GetNumberOfItems()
    manager.setLayout(layout.SlicerLayoutOneUp3DView)
    node = manager.sliceWidget("Near").mrmlSliceNode()
    scene.scene.RemoveNode(node)
    assert manager.sliceWidget("Near") is None
    assert slicer.app.applicationLogic().GetSliceLogics().GetNumberOfItems() == count - 1


def test_a_slice_view_draws_what_its_logic_shows(manager):
    mr, _pet = make_pair()
    widget = manager.sliceWidget("Red")
    slicer.util.setSliceViewerLayers(background=mr, fit=True)
    view = widget.sliceView()
    view.cornerAnnotation().SetText(vtk.vtkCornerAnnotation.UpperLeft, "")
    view.forceRender()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(view.renderWindow())
    grab.ReadFrontBufferOff()
    grab.Update()
    scalars = grab.GetOutput().GetPointData().GetScalars()
    size = view.renderWindow().GetSize()
    picture = vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(*reversed(size), 3)
    image = widget.imageDataConnection().GetProducer().GetOutput()
    assert image.GetDimensions()[:2] == size
    assert picture[128, 128].min() > 150
    assert picture[2, 2].max() < 50
    ras = view.convertXYZToRAS([128, 128, 0])
    assert np.allclose(view.convertRASToXYZ(ras), [128, 128, 0])
