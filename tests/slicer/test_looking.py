"""Sources and result side by side, in turn, in squares, and in 3-D."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib import widget
from MACTFusionLib.nodes.result import ATTRIBUTE, Origin, fused_from, make_result, sources_of
from MACTFusionLib.nodes.volumes import geometry_of
from MACTFusionLib.self_test import SHAPE, add_volume, make_pair
from MACTFusionLib.views import compare

RECORD = {
    "task": "pet-mri",
    "weights": {"name": "n", "sha256": "0" * 64},
    "versions": {},
    "options": {"model": "n"},
    "coverage": 1.0,
    "notes": [],
}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Nothing is fused here; whoever starts a worker fails."""
    monkeypatch.setenv("MACTFUSION_PYTHON", "")


@pytest.fixture
def volumes(scene):
    """An MR, its PET and CT, and a cross-hair as the application has one."""
    slicer.mrmlScene.AddNode(slicer.vtkMRMLCrosshairNode())
    mr, pet = make_pair()
    return mr, pet, add_volume("CT", np.zeros(SHAPE, np.int16), geometry_of(mr).affine)


def fused_of(anatomical, partner, voxels=None, output=None):
    """A fused node as a run makes it, of a red cube by default."""
    if voxels is None:
        voxels = np.zeros((*SHAPE, 3), np.uint8)
        voxels[6:18, 5:15, 1:5] = (200, 40, 40)
    return make_result(Origin(anatomical, partner, geometry_of(anatomical)), voxels, RECORD, output)


def layout():
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def crosshair():
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")


def entered(scene, views, *volumes):
    """Enter, with the views that the layout manager of the application makes."""
    views.enter(*volumes)
    for name in compare.view_names(3):
        if name not in scene.slices:
            scene.add_view(name)
    views.enter(*volumes)


def shown(count):
    """The background volumes of the views, and the foreground of the last one."""
    composites = [compare.composite_of(compare._view(name)) for name in compare.view_names(count)]
    assert all(composite.GetLinkedControl() for composite in composites)
    ids = [composite.GetBackgroundVolumeID() for composite in composites]
    return ids, composites[-1].GetForegroundVolumeID()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_partner_has_a_view_and_the_way_back_is_known(count, scene, volumes):
    mr, *partners = volumes
    partners.append(add_volume("SPECT", np.zeros(SHAPE, np.int16), geometry_of(mr).affine))
    partners = partners[:count]
    fused = fused_of(mr, partners)
    layout().SetViewArrangement(layout().SlicerLayoutFourUpView)
    crosshair().SetCrosshairMode(crosshair().ShowSmallIntersection)
    views = compare.CompareViews()
    entered(scene, views, mr, partners if count > 1 else partners[0], fused)
    text = layout().GetLayoutDescription(compare.layout_id(count))
    assert [text.count(f'"{name}"') for name in compare.view_names(count)] == [1] * (count + 2)
    assert vtk.vtkXMLUtilities.ReadElementFromString(text) is not None
    backgrounds, foreground = shown(count)
    assert backgrounds == [node.GetID() for node in (mr, *partners, mr)]
    assert foreground == fused.GetID()
    assert crosshair().GetCrosshairMode() == crosshair().ShowBasic
    views.leave()
    assert layout().GetViewArrangement() == layout().SlicerLayoutFourUpView
    assert crosshair().GetCrosshairMode() == crosshair().ShowSmallIntersection


def test_blend_flicker_and_squares(scene, volumes):
    mr, pet, _ct = volumes
    fused = fused_of(mr, pet)
    views = compare.CompareViews()
    entered(scene, views, mr, pet, fused)
    last = compare.composite_of(compare._view(compare.FUSED_VIEW))
    views.set_blend(0.3)
    assert last.GetForegroundOpacity() == pytest.approx(0.3)
    views.flicker()
    assert last.GetForegroundOpacity() == 0
    views.set_checkerboard(mr, fused)
    assert last.GetForegroundVolumeID() not in (None, fused.GetID())
    assert last.GetForegroundOpacity() == 1
    views.set_checkerboard(None, None)
    assert last.GetForegroundVolumeID() == fused.GetID()
    assert last.GetForegroundOpacity() == pytest.approx(0.3)


@pytest.fixture
def chosen(panel, volumes):
    """The choices of the panel: an MR with its PET and CT, without a preview."""
    chosen = panel._parameters
    chosen.livePreview = False
    chosen.anatomical, chosen.partner, chosen.third = volumes
    return chosen


def test_panel_compares_all_partners_and_follows_the_choice(panel, chosen, scene, volumes):
    mr, pet, ct = volumes
    fused_of(mr, pet)
    fused = fused_of(mr, [pet, ct])
    panel._settled()
    panel.ui.blendSlider.value = 0.25
    entered(scene, compare.CompareViews(), mr, [pet, ct])
    panel.ui.compareButton.click()
    assert shown(2) == ([node.GetID() for node in (mr, pet, ct, mr)], fused.GetID())
    last = compare.composite_of(compare._view(compare.FUSED_VIEW))
    assert last.GetForegroundOpacity() == pytest.approx(0.25)
    panel.ui.checkerboardButton.click()
    chosen.partner, chosen.third = ct, None  # nothing was fused of these two
    panel._settled()
    assert layout().GetViewArrangement() == compare.layout_id(1)
    assert shown(1) == ([node.GetID() for node in (mr, ct, mr)], None)
    assert not panel.ui.checkerboardButton.checked
    chosen.partner = None
    panel._settled()
    assert panel.ui.compareButton.enabled  # the way back
    panel.ui.compareButton.click()
    assert not panel.looking.compare.is_on


def test_titles_in_any_language_are_well_formed(monkeypatch):
    monkeypatch.setattr(compare, "_", lambda text: f"{text} <&>")
    root = vtk.vtkXMLUtilities.ReadElementFromString(compare._description(2))
    assert root is not None
    row = root.GetNestedElement(0).GetNestedElement(0)
    view = row.GetNestedElement(0).GetNestedElement(0)
    assert view.FindNestedElementWithName("property") is not None
    titles = [view.GetNestedElement(i).GetCharacterData() for i in range(4)]
    assert "Anatomical <&>" in titles


def test_another_module_has_views_that_stand_still(panel, chosen, scene, volumes):
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct])
    panel._settled()
    entered(scene, compare.CompareViews(), mr, [pet, ct])
    panel.ui.compareButton.click()
    panel.ui.blendSlider.value = 0.25
    panel.ui.flickerButton.click()
    assert panel.looking.is_flickering
    panel.exit()
    assert not panel.looking.is_flickering
    assert not panel.ui.flickerButton.checked
    last = compare.composite_of(compare._view(compare.FUSED_VIEW))
    assert last.GetForegroundOpacity() == pytest.approx(0.25)


def test_closing_the_scene_ends_what_looks_at_it(panel, chosen, scene, volumes):
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct])
    panel._settled()
    layout().SetViewArrangement(layout().SlicerLayoutFourUpView)
    panel.ui.compareButton.click()
    panel.ui.flickerButton.click()
    panel.ui.findPairsButton.click()
    assert panel.looking.preview.view == compare.FUSED_VIEW
    assert panel.ui.pairList.count
    scene.scene.Clear(False)
    assert panel.looking.preview.view == ""
    assert not panel.ui.compareButton.checked
    assert not panel.looking.is_flickering
    assert panel.ui.pairList.count == 0
    assert layout().GetViewArrangement() == layout().SlicerLayoutFourUpView


def test_result_of_an_opened_scene_is_found_and_that_of_others_is_not(panel, chosen, volumes):
    mr, pet, ct = volumes
    panel._settled()
    assert not panel.ui.flickerButton.enabled
    assert fused_from(mr, [pet, ct]) is None
    older, fused = (fused_of(mr, [pet, ct]) for _ in range(2))
    other = fused_of(mr, pet)
    panel._settled()
    assert panel.ui.flickerButton.enabled
    assert panel.ui.saveButton.enabled
    assert panel.looking.fused is fused is fused_from(mr, [pet, ct])
    assert fused_from(mr, pet) is other
    slicer.mrmlScene.RemoveNode(fused)
    assert fused_from(mr, [pet, ct]) is older


@pytest.mark.parametrize("is_saved", [False, True])
def test_result_of_more_volumes_is_not_that_of_those_that_are_left(volumes, is_saved, tmp_path):
    mr, pet, ct = volumes
    fused = fused_of(mr, [pet, ct])
    assert fused_from(mr, [pet, ct]) is fused
    slicer.mrmlScene.RemoveNode(ct)
    if is_saved:
        path = str(tmp_path / "scene.mrml")
        slicer.mrmlScene.SetURL(path)
        assert slicer.mrmlScene.Commit(path)
        slicer.mrmlScene.Clear(False)
        slicer.mrmlScene.SetURL(path)
        assert slicer.mrmlScene.Import()
        mr, pet = (slicer.util.getNode(name) for name in ("MR", "PET"))
    assert fused_from(mr, pet) is None
    assert fused_from(mr, [pet]) is None


def test_result_without_sources_is_not_that_of_no_choice(panel, volumes):
    mr, pet, ct = volumes
    fused = fused_of(mr, pet)
    for node in (mr, pet):
        slicer.mrmlScene.RemoveNode(node)
    assert sources_of(fused) == (None, [])
    assert fused_from(None, None) is None
    assert fused_from(None, []) is None
    assert fused_from(ct, None) is None
    panel._parameters.anatomical = panel._parameters.partner = None
    panel._settled()
    assert not panel.ui.spaceButton.enabled


def test_newest_result_is_the_one_that_was_made_last(panel, chosen, scene, volumes):
    mr, pet, ct = volumes
    first, second = (fused_of(mr, [pet, ct]) for _ in range(2))
    panel._settled()
    entered(scene, compare.CompareViews(), mr, [pet, ct])
    panel.ui.compareButton.click()
    assert shown(2)[1] == second.GetID()
    assert fused_of(mr, [pet, ct], output=first) is first
    panel.looking.show(first)
    assert fused_from(mr, [pet, ct]) is first
    assert shown(2)[1] == first.GetID()
    panel._settled()
    assert shown(2)[1] == first.GetID()
    third = fused_of(mr, [pet, ct])
    assert fused_from(mr, [pet, ct]) is third


@pytest.mark.parametrize("number", [None, "", "soon", "²"])
def test_number_that_says_nothing_is_older_than_any(volumes, number):
    """Scenes of earlier versions have none, and anybody can edit an attribute."""
    mr, pet, _ct = volumes
    first, second = (fused_of(mr, pet) for _ in range(2))
    second.SetAttribute(ATTRIBUTE + "Number", number)
    assert fused_from(mr, pet) is first
    first.SetAttribute(ATTRIBUTE + "Number", number)
    assert fused_from(mr, pet) is second  # then the order of the scene tells


@pytest.fixture
def dialog(monkeypatch, tmp_path):
    """Answer the dialog of *Save as*, and keep what it and the logic were given."""
    asked = SimpleNamespace(titles=[], nodes=[], path=str(tmp_path / "f.nrrd"))

    def answer(_parent, title, _suggestion, _filters):
        asked.titles.append(title)
        return asked.path

    monkeypatch.setattr(widget.qt, "QFileDialog", SimpleNamespace(getSaveFileName=answer))
    return asked


def test_saved_is_the_fusion_of_the_chosen_volumes_and_its_name_is_said(
    panel, chosen, volumes, dialog, monkeypatch
):
    mr, pet, ct = volumes
    chosen.third = None
    monkeypatch.setattr(panel.logic, "save", lambda node, _path: dialog.nodes.append(node))
    mine, others = fused_of(mr, pet), fused_of(mr, ct)
    panel.runs.fused = others  # the last of a batch
    panel.ui.saveButton.enabled = True
    panel.ui.saveButton.click()
    assert dialog.nodes == [mine]
    assert "MR + PET fused" in dialog.titles[-1]
    assert "MR + PET fused" in panel.ui.messageLabel.text
    assert dialog.path in panel.ui.messageLabel.text
    slicer.mrmlScene.RemoveNode(mine)
    panel._settled()
    assert panel.ui.saveButton.enabled  # the last run is what there is, and its name is said
    panel.ui.saveButton.click()
    assert dialog.nodes[-1] is others
    assert "MR + CT fused" in dialog.titles[-1]
    slicer.mrmlScene.RemoveNode(others)
    panel._settled()
    assert not panel.ui.saveButton.enabled


def test_result_is_put_into_the_study_of_the_anatomical_volume(volumes):
    mr, pet, _ct = volumes
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = tree.CreateStudyItem(tree.CreateSubjectItem(tree.GetSceneItemID(), "P"), "S")
    tree.CreateItem(study, mr)  # the application does this for each node
    fused = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    item = tree.CreateItem(tree.GetSceneItemID(), fused)
    voxels = np.zeros((*SHAPE, 3), np.uint8)
    assert make_result(Origin(mr, pet, geometry_of(mr)), voxels, RECORD, fused) is fused
    assert tree.GetItemParent(item) == study
    assert fused.GetAttribute(ATTRIBUTE + "AnatomicalID") == mr.GetID()


@pytest.fixture
def picture(scene):
    """Draw the scene's volume renderings with Slicer's own code, 64×64, without a window."""
    view = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLViewNode")
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
    layout().SetViewArrangement(layout().SlicerLayoutOneUpRedSliceView)
    panel.ui.spaceButton.click()
    assert layout().GetViewArrangement() == layout().SlicerLayoutFourUpView
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
    assert layout().GetViewArrangement() == layout().SlicerLayoutOneUpRedSliceView


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
