"""The fused volume in 3-D, as Slicer's own code draws it."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib.self_test import SHAPE
from MACTFusionLib.views.layout import layout_node
from results import fused_of
from special_volumes import open_scene, save_scene

pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture
def picture(scene):
    """Draw the scene's volume renderings with Slicer's own code, 64×64, without a window.

    All that a view draws of its own is off: the factory is the application's, and what else it
    makes depends on who asked it before.
    """
    view = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLViewNode")
    view.SetBackgroundColor(0, 0, 0)
    view.SetBackgroundColor2(0, 0, 0)
    view.SetBoxVisible(False)
    view.SetAxisLabelsVisible(False)
    renderer, window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(64, 64)
    window.AddRenderer(renderer)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(scene.application)
    name = "vtkMRMLVolumeRenderingDisplayableManager"
    if not factory.IsDisplayableManagerRegistered(name):
        factory.RegisterDisplayableManager(name)
    managers = factory.InstantiateDisplayableManagers(renderer)
    managers.SetMRMLDisplayableNode(view)

    def draw():
        renderer.ResetCamera()
        window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(window)
        grab.ReadFrontBufferOff()
        grab.Update()
        scalars = grab.GetOutput().GetPointData().GetScalars()
        return vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(64, 64, 3).astype(int)

    yield draw
    managers.SetMRMLDisplayableNode(None)
    window.Finalize()


def test_colours_in_3d_are_those_of_the_volume(panel, chosen, volumes, picture):
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct])
    scene = slicer.mrmlScene
    slicer.modules.volumerendering.logic().SetDefaultRenderingMethod(
        "vtkMRMLCPURayCastVolumeRenderingDisplayNode"
    )
    panel._settled()
    assert picture().max() == 0
    layout_node().SetViewArrangement(layout_node().SlicerLayoutOneUpRedSliceView)
    panel.ui.spaceButton.click()
    assert layout_node().GetViewArrangement() == layout_node().SlicerLayoutFourUpView
    red, green, blue = picture()[32, 32]
    assert red > 2 * green
    assert red > 2 * blue
    assert np.all(picture()[0, 0] == 0)
    chosen.third = None  # nothing was fused of these two
    panel._settled()
    assert not panel.ui.spaceButton.checked
    assert picture().max() == 0
    chosen.third = ct
    panel._settled()
    panel.ui.spaceButton.click()
    assert picture().max() > 0
    panel.ui.spaceButton.click()
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeRenderingDisplayNode") == 0
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumePropertyNode") == 0
    assert layout_node().GetViewArrangement() == layout_node().SlicerLayoutOneUpRedSliceView


def test_grey_results_and_faint_voxels_in_3d(panel, chosen, volumes, picture):
    mr, pet, ct = volumes
    voxels = np.full(SHAPE, 0.05 * 65535).astype(np.uint16)  # as faint as air
    fused_of(mr, [pet, ct], voxels)
    panel._settled()
    panel.ui.spaceButton.click()
    assert picture().max() == 0
    voxels[6:18, 5:15, 1:5] = 60000
    fused_of(mr, [pet, ct], voxels)
    panel.looking.space.show(panel.looking.fused)
    pixel = picture()[32, 32]
    assert pixel.min() > 50
    assert np.ptp(pixel) <= 1
    slicer.mrmlScene.Clear(False)
    assert not panel.ui.spaceButton.checked
    assert not panel.looking.space.is_on


def renderings():
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeRenderingDisplayNode")


@pytest.fixture
def opened_again(panel, chosen, volumes, picture, tmp_path):
    """The fused volume of a scene that was saved while it was rendered; its file has no voxels."""
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct])
    panel._settled()
    panel.ui.spaceButton.click()
    save_scene(tmp_path / "scene.mrml")
    open_scene(tmp_path / "scene.mrml")
    assert renderings() == 1
    panel.initializeParameterNode()
    return panel.looking.fused


def test_a_rendering_that_was_saved_is_taken_over_and_not_doubled(panel, opened_again):
    slicer.util.updateVolumeFromArray(opened_again, np.full((*SHAPE[::-1], 3), 90, np.uint8))
    panel._settled()
    assert panel.ui.spaceButton.checked
    assert renderings() == 1
    panel.ui.spaceButton.click()
    assert renderings() == 0
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumePropertyNode") == 0


def test_a_saved_volume_without_voxels_is_said(panel, opened_again):
    panel._settled()
    assert panel.ui.messageLabel.text == "MR + PET + CT fused has no voxels."
    assert not panel.ui.spaceButton.checked
    assert renderings() == 0
