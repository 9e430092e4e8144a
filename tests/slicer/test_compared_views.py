"""Sources and result side by side, in turn and in squares, and the way back."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib.nodes.result import fused_from
from MACTFusionLib.nodes.volumes import geometry_of
from MACTFusionLib.self_test import SHAPE, add_volume
from MACTFusionLib.views import compare, layout
from MACTFusionLib.views.layout import FUSED_VIEW, layout_id, layout_node, view_names
from MACTFusionLib.views.shown import composite_of
from results import fused_of

pytestmark = pytest.mark.usefixtures("no_worker")


def crosshair():
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")


def shown(count):
    """The background volumes of the views, and the foreground of the last one."""
    composites = [composite_of(compare.view_named(name)) for name in view_names(count)]
    assert all(composite.GetLinkedControl() for composite in composites)
    ids = [composite.GetBackgroundVolumeID() for composite in composites]
    return ids, composites[-1].GetForegroundVolumeID()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_partner_has_a_view_and_the_way_back_is_known(count, scene, volumes):
    mr, *partners = volumes
    partners.append(add_volume("SPECT", np.zeros(SHAPE, np.int16), geometry_of(mr).affine))
    partners = partners[:count]
    fused = fused_of(mr, partners)
    layout_node().SetViewArrangement(layout_node().SlicerLayoutFourUpView)
    crosshair().SetCrosshairMode(crosshair().ShowSmallIntersection)
    views = compare.CompareViews()
    views.enter(mr, partners if count > 1 else partners[0], fused)
    text = layout_node().GetLayoutDescription(layout_id(count))
    assert [text.count(f'"{name}"') for name in view_names(count)] == [1] * (count + 2)
    assert vtk.vtkXMLUtilities.ReadElementFromString(text) is not None
    backgrounds, foreground = shown(count)
    assert backgrounds == [node.GetID() for node in (mr, *partners, mr)]
    assert foreground == fused.GetID()
    assert crosshair().GetCrosshairMode() == crosshair().ShowBasic
    views.leave()
    assert layout_node().GetViewArrangement() == layout_node().SlicerLayoutFourUpView
    assert crosshair().GetCrosshairMode() == crosshair().ShowSmallIntersection


def test_blend_flicker_and_squares(scene, volumes):
    mr, pet, _ct = volumes
    fused = fused_of(mr, pet)
    views = compare.CompareViews()
    views.enter(mr, pet, fused)
    last = composite_of(compare.view_named(FUSED_VIEW))
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


def test_panel_compares_all_partners_and_follows_the_choice(panel, chosen, scene, volumes):
    mr, pet, ct = volumes
    fused_of(mr, pet)
    fused = fused_of(mr, [pet, ct])
    panel._settled()
    panel.ui.blendSlider.value = 0.25
    panel.ui.compareButton.click()
    assert shown(2) == ([node.GetID() for node in (mr, pet, ct, mr)], fused.GetID())
    last = composite_of(compare.view_named(FUSED_VIEW))
    assert last.GetForegroundOpacity() == pytest.approx(0.25)
    panel.ui.checkerboardButton.click()
    chosen.partner, chosen.third = ct, None  # nothing was fused of these two
    panel._settled()
    assert layout_node().GetViewArrangement() == layout_id(1)
    assert shown(1) == ([node.GetID() for node in (mr, ct, mr)], None)
    assert not panel.ui.checkerboardButton.checked
    chosen.partner = None
    panel._settled()
    assert panel.ui.compareButton.enabled  # the way back
    panel.ui.compareButton.click()
    assert not panel.looking.compare.is_on


def test_titles_in_any_language_are_well_formed(monkeypatch):
    monkeypatch.setattr(layout, "_", lambda text: f"{text} <&>")
    root = vtk.vtkXMLUtilities.ReadElementFromString(layout.description(2))
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
    panel.ui.compareButton.click()
    panel.ui.blendSlider.value = 0.25
    panel.ui.flickerButton.click()
    assert panel.looking.is_flickering
    panel.exit()
    assert not panel.looking.is_flickering
    assert not panel.ui.flickerButton.checked
    last = composite_of(compare.view_named(FUSED_VIEW))
    assert last.GetForegroundOpacity() == pytest.approx(0.25)


def test_closing_the_scene_ends_what_looks_at_it(panel, chosen, scene, volumes):
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct])
    panel._settled()
    layout_node().SetViewArrangement(layout_node().SlicerLayoutFourUpView)
    panel.ui.compareButton.click()
    panel.ui.flickerButton.click()
    panel.ui.findPairsButton.click()
    assert panel.looking.preview.view == FUSED_VIEW
    assert panel.ui.pairList.count
    scene.scene.Clear(False)
    assert panel.looking.preview.view == ""
    assert not panel.ui.compareButton.checked
    assert not panel.looking.is_flickering
    assert panel.ui.pairList.count == 0
    assert layout_node().GetViewArrangement() == layout_node().SlicerLayoutFourUpView


def test_newest_result_is_the_one_that_was_made_last(panel, chosen, scene, volumes):
    mr, pet, ct = volumes
    first, second = (fused_of(mr, [pet, ct]) for _ in range(2))
    panel._settled()
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
