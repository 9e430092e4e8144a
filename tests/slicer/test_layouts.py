"""The layouts of Compare: known at the start, given back, and never taken from anybody."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib.made_volumes import SHAPE, make_pair, tilted
from MACTFusionLib.nodes.volumes import geometry_of
from MACTFusionLib.views.compare import CompareViews, view_named
from MACTFusionLib.views.layout import (
    FUSED_VIEW,
    is_compare_layout,
    layout_id,
    layout_node,
    register_layouts,
    view_names,
)
from MACTFusionLib.views.planes import slice_shown
from MACTFusionLib.views.shown import show_in_front, shown_slices, widget_of
from results import fused_of
from special_volumes import far_pair, open_scene, save_scene, tilted_pair

pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture(autouse=True)
def own_layouts(scene):
    """Forget layouts that a test registers."""
    before = set(layout_node().GetLayoutIndices())
    yield
    layout_node().SetViewArrangement(layout_node().SlicerLayoutFourUpView)
    for number in set(layout_node().GetLayoutIndices()) - before:
        layout_node().SetLayoutDescription(number, "")


def forget_layouts():
    for number in layout_node().GetLayoutIndices():
        if number > layout_node().SlicerLayoutUserView:
            layout_node().SetLayoutDescription(number, "")


def middle_of(view):
    return slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, 3]


def index_in(view, node):
    return np.linalg.solve(geometry_of(node).affine, [*middle_of(view), 1.0])[:3]


def test_layouts_are_registered_once_and_have_numbers_of_their_own(scene):
    forget_layouts()
    register_layouts()
    numbers = [layout_id(count) for count in (1, 2, 3)]
    assert numbers == [7431, 7432, 7433]
    before = layout_node().GetLayoutIndices()
    register_layouts()
    assert layout_node().GetLayoutIndices() == before
    assert not is_compare_layout(layout_node().SlicerLayoutFourUpView)
    assert not is_compare_layout(424242)


def test_another_extension_keeps_its_number(scene):
    forget_layouts()
    theirs = '<layout type="horizontal"><item><view class="vtkMRMLSliceNode" singletontag="Red"/>'
    theirs += "</item></layout>"
    layout_node().AddLayoutDescription(7432, theirs)
    register_layouts()
    numbers = [layout_id(count) for count in (1, 2, 3)]
    assert 7432 not in numbers
    assert len(set(numbers)) == 3
    assert all(map(is_compare_layout, numbers))
    assert layout_node().GetLayoutDescription(7432) == theirs
    assert not is_compare_layout(7432)


def test_a_layout_of_an_earlier_version_is_brought_up_to_date(scene):
    forget_layouts()
    register_layouts()
    text = layout_node().GetLayoutDescription(7431)
    layout_node().SetLayoutDescription(7431, text.replace("Fused</property>", "Former</property>"))
    assert layout_id(1) == 7431
    assert layout_node().GetLayoutDescription(7431) == text


def test_a_layout_chosen_elsewhere_ends_compare_and_gives_everything_back(panel, chosen, volumes):
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct])
    panel._settled()
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCrosshairMode(crosshair.NoCrosshair)
    count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
    panel.ui.compareButton.click()
    panel.ui.checkerboardButton.click()
    panel.ui.flickerButton.click()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == count + 1
    slicer.app.layoutManager().setLayout(layout_node().SlicerLayoutOneUpRedSliceView)
    assert not panel.ui.compareButton.checked
    assert not panel.looking.compare.is_on
    assert not panel.looking.is_flickering
    assert panel.looking.preview.view == ""
    assert crosshair.GetCrosshairMode() == crosshair.NoCrosshair
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == count
    assert layout_node().GetViewArrangement() == layout_node().SlicerLayoutOneUpRedSliceView


def test_compare_comes_also_where_its_layout_was_not_known_yet(panel, chosen):
    """To register one is a change of the layout, and no choice of the user."""
    panel._settled()
    forget_layouts()
    panel.ui.compareButton.click()
    assert panel.ui.compareButton.checked
    assert panel.looking.compare.is_on
    assert is_compare_layout(layout_node().GetViewArrangement())


def test_the_panel_listens_to_layouts_no_longer_than_it_lives(panel, chosen):
    panel._settled()
    panel.ui.compareButton.click()
    told = []
    panel.looking._changed = lambda: told.append(1)
    panel.looking.stop()
    told.clear()
    slicer.app.layoutManager().setLayout(layout_node().SlicerLayoutOneUpRedSliceView)
    assert told == []


def test_a_scene_saved_with_compare_comes_back_with_it(panel, chosen, volumes, tmp_path):
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct])
    panel._settled()
    panel.ui.compareButton.click()
    save_scene(tmp_path / "scene.mrml")
    open_scene(tmp_path / "scene.mrml")
    assert layout_node().GetViewArrangement() == layout_id(2)
    panel.initializeParameterNode()
    panel._settled()
    assert panel.ui.compareButton.checked
    assert panel.looking.compare.is_on
    assert {view.GetName() for view in shown_slices()} == set(view_names(2))
    panel._settled()
    panel.ui.compareButton.click()
    assert layout_node().GetViewArrangement() == layout_node().SlicerLayoutFourUpView


def test_compare_shows_a_far_volume_as_large_as_fits(scene):
    mr, pet = far_pair()
    views = CompareViews()
    assert views.enter(mr, pet)
    for name in view_names(1):
        index = index_in(view_named(name), mr)
        assert np.all((index > -0.5) & (index < np.array(SHAPE) - 0.5)), name
        assert view_named(name).GetFieldOfView()[1] < 60  # 250 mm is what a new view has
    views.leave()


def test_all_views_have_one_scale_also_of_other_sizes(scene):
    mr, pet = make_pair()
    views = CompareViews()
    views.enter(mr, pet)
    nodes = [view_named(name) for name in view_names(1)]
    for node, size in zip(nodes, ((200, 400), (300, 400), (240, 320)), strict=True):
        widget_of(node).sliceLogic().ResizeSliceNode(*size)  # what drawing the layout does
    assert nodes[0].GetFieldOfView()[0] < 40  # the volume, 48 mm wide, is cropped
    views.fit()
    scales = [node.GetFieldOfView()[0] / node.GetDimensions()[0] for node in nodes]
    assert np.allclose(scales, scales[0])
    assert nodes[0].GetFieldOfView()[0] >= 48
    assert nodes[0].GetFieldOfView()[1] >= 40
    views.leave()


def test_compare_stays_on_the_slice_that_was_looked_at(scene):
    mr, pet = tilted_pair(10)
    geometry = geometry_of(mr)
    red = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    red.JumpSliceByOffsetting(*(geometry.affine @ [11.5, 9.5, 4, 1])[:3])
    views = CompareViews()
    views.enter(mr, pet)
    for name in view_names(1):
        assert slice_shown(geometry, 2, name)[1] == 4
    view_named(FUSED_VIEW).JumpSliceByOffsetting(*(geometry.affine @ [11.5, 9.5, 1, 1])[:3])
    zoom = view_named(FUSED_VIEW).GetFieldOfView()
    assert not views.enter(mr, pet, fused_of(mr, pet))  # a result comes: the views stay
    assert slice_shown(geometry, 2, FUSED_VIEW)[1] == 1
    assert view_named(FUSED_VIEW).GetFieldOfView() == zoom
    views.leave()


@pytest.mark.parametrize("axis", ["auto", "sagittal"])
def test_compare_shows_the_plane_in_which_slices_are_fused(axis, scene):
    sagittal = tilted(10)[:, [2, 0, 1, 3]]
    mr, pet = make_pair(sagittal, (6, 24, 20))
    geometry = geometry_of(mr)
    views = CompareViews()
    views.enter(mr, pet, None, axis)
    along = 0 if axis == "auto" else 1
    assert slice_shown(geometry, along, FUSED_VIEW)[0] is view_named(FUSED_VIEW)
    views.leave()


def test_a_new_volume_is_fitted_and_a_result_moves_nothing(scene):
    mr, pet = far_pair()
    show_in_front(mr)
    red = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    assert -0.5 < index_in(red, mr)[2] < SHAPE[2] - 0.5
    red.JumpSliceByOffsetting(*(geometry_of(mr).affine @ [3, 3, 1, 1])[:3])
    before = middle_of(red).copy()
    show_in_front(mr, fused_of(mr, pet))
    assert np.array_equal(middle_of(red), before)
