"""Views on patient axes beside tilted volumes: no false preview, and a button that turns them."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib.made_volumes import SHAPE, make_pair, tilted
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.views.align import AlignedViews
from MACTFusionLib.views.layout import layout_node
from MACTFusionLib.views.planes import NoPlane, fused_axis, leaves_slice, slice_shown
from MACTFusionLib.views.shown import composite_of, shown_slices, turn
from special_volumes import far_pair, tilted_pair
from waiting import wait

THIN = (2.0, 2.0, 1.0)


def view_of(name):
    return slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")


def directions():
    return {
        view.GetName(): slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3].copy()
        for view in shown_slices()
    }


def same(first, second):
    assert first.keys() == second.keys()
    return all(np.allclose(first[name], second[name]) for name in first)


def index_in(view, geometry):
    centre = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:, 3]
    return np.linalg.solve(geometry.affine, centre)[:3]


@pytest.mark.parametrize(
    ("degrees", "spacing_mm", "leaves"),
    [
        (0.0, THIN, False),
        (1e-4, THIN, False),  # directions are rounded in files
        (1.5, (2.0, 2.0, 5.0), False),  # 0.5 mm at the edge, of a slice of 5 mm
        (1.5, THIN, True),
        (10.0, (2.0, 2.0, 5.0), True),
    ],
)
def test_a_view_leaves_the_slice_where_its_corners_do(degrees, spacing_mm, leaves, scene):
    """What a preview of one slice would show of it, beyond the corners of another."""
    geometry = geometry_of(make_pair(tilted(degrees, spacing_mm))[0])
    assert leaves_slice(geometry, 2, view_of("Red")) == leaves
    if leaves:
        with pytest.raises(NoPlane, match="press Align views") as reason:
            slice_shown(geometry, 2)
        assert reason.value.is_tilted
    else:
        assert slice_shown(geometry, 2)[0] is view_of("Red")


def test_a_view_beside_the_volume_needs_no_turn(scene):
    geometry = geometry_of(make_pair()[0])
    view_of("Red").SetSliceOffset(400)
    with pytest.raises(NoPlane, match="shows no slice") as reason:
        slice_shown(geometry, 2)
    assert not reason.value.is_tilted


def test_views_that_are_hidden_are_not_looked_at(scene):
    geometry = geometry_of(make_pair()[0])
    layout_node().SetViewArrangement(layout_node().SlicerLayoutOneUpGreenSliceView)
    assert [view.GetName() for view in shown_slices()] == ["Green"]
    with pytest.raises(NoPlane):
        slice_shown(geometry, 2)
    layout_node().SetViewArrangement(layout_node().SlicerLayoutFourUpView)
    assert slice_shown(geometry, 2)[0] is view_of("Red")


def test_aligned_views_show_the_slices_and_turn_back(scene):
    mr, _pet = tilted_pair(10)
    geometry, before = geometry_of(mr), directions()
    view_of("Red").SetSliceOffset(9)
    views = AlignedViews()
    assert not views.is_on
    views.align(mr)
    assert views.is_on
    for axis, name in ((2, "Red"), (1, "Green"), (0, "Yellow")):
        view, index = slice_shown(geometry, axis)
        assert view is view_of(name)
        assert index_in(view, geometry)[axis] == pytest.approx(index, abs=1e-6)
    assert slice_shown(geometry, 2)[1] == 4  # 9 mm above the middle of slices of 5 mm
    views.align(mr)  # twice is the same as once
    views.give_back()
    assert same(directions(), before)
    assert not views.is_on
    assert index_in(view_of("Red"), geometry)[2] == pytest.approx(4, abs=0.2)


def test_a_view_that_was_turned_since_is_not_turned_back(scene):
    mr, _pet = tilted_pair(10)
    before = directions()
    views = AlignedViews()
    views.align(mr)
    own = np.linalg.qr(np.array([[1.0, 2, 3], [0, 1, 4], [5, 6, 0]]))[0]
    turn(view_of("Green"), own)
    views.give_back()
    assert np.allclose(directions()["Green"], own)
    assert np.allclose(directions()["Red"], before["Red"])


def test_the_only_view_shows_the_plane_that_is_fused(scene):
    """Sagittal slices in a layout of one axial view."""
    affine = tilted(10)[:, [2, 0, 1, 3]]
    mr, _pet = make_pair(affine, (6, 24, 20))
    layout_node().SetViewArrangement(layout_node().SlicerLayoutOneUpRedSliceView)
    geometry = geometry_of(mr)
    axis = fused_axis(geometry, "sagittal")
    assert leaves_slice(geometry, axis, view_of("Red"))
    views = AlignedViews()
    views.align(mr, "sagittal")
    assert slice_shown(geometry, axis)[0] is view_of("Red")


def test_views_beside_the_volume_are_moved_onto_it(scene):
    mr, _pet = far_pair()
    slicer.util.setSliceViewerLayers(background=mr)
    geometry = geometry_of(mr)
    AlignedViews().align(mr)
    for axis in range(3):
        view, _index = slice_shown(geometry, axis)
        index = index_in(view, geometry)
        assert np.all((index > -0.5) & (index < np.array(SHAPE) - 0.5))


def test_the_panel_offers_to_turn_the_views_and_to_turn_them_back(panel, library):
    """Where the library is at hand, as nothing is previewed without it; no worker is started."""
    ui, before = panel.ui, directions()
    panel._parameters.anatomical, panel._parameters.partner = make_pair(tilted(10, THIN))
    panel._settled()
    assert "No slice view lies in the plane" in ui.messageLabel.text
    assert not ui.alignButton.isHidden()
    assert ui.alignButton.text == "Align views"
    panel._parameters.livePreview = False  # only the way there is of interest
    panel.looking.preview.needs_turn = True
    ui.alignButton.click()
    assert not same(directions(), before)
    panel.looking.preview.needs_turn = False
    panel.looking.tell()
    assert ui.alignButton.text == "Turn views back"
    ui.alignButton.click()
    assert same(directions(), before)
    panel.looking.tell()
    assert ui.alignButton.isHidden()


def test_the_panel_leaves_the_views_as_they_were(panel, library):
    before = directions()
    panel._parameters.livePreview = False
    panel._parameters.anatomical, panel._parameters.partner = make_pair(tilted(10))
    panel.ui.alignButton.click()
    assert not same(directions(), before)
    panel.looking.stop()
    assert same(directions(), before)


def far_and_tilted():
    affine = tilted(10, THIN)
    affine[:3, 3] += 600
    return make_pair(affine)


def test_preview_of_a_far_tilted_volume_is_the_slice_of_the_fused_volume(warm_panel, scene):
    """Once the views are turned; and no slice stays in a view that cuts across it."""
    panel, chosen, preview = warm_panel, warm_panel._parameters, warm_panel.looking.preview
    chosen.anatomical, chosen.partner = mr, pet = far_and_tilted()
    slicer.util.setSliceViewerLayers(background=mr, fit=True)
    chosen.livePreview = True
    panel._settled()
    assert preview.needs_turn
    panel.ui.alignButton.click()
    view_of("Red").JumpSliceByOffsetting(*(geometry_of(mr).affine @ [11, 9, 4, 1])[:3])
    wait(panel, lambda: preview.node is not None and not preview.is_under_way)
    assert not preview.needs_turn
    shown, place = voxels_of(preview.node).copy(), geometry_of(preview.node)
    assert np.allclose(place.affine[:3, 3], (geometry_of(mr).affine @ [0, 0, 4, 1])[:3])
    assert composite_of(view_of("Red")).GetForegroundVolumeID() == preview.node.GetID()
    panel.ui.alignButton.click()
    panel._settled()
    assert preview.needs_turn
    assert preview.node is None
    options = panel.logic.options_of(chosen)
    chosen.livePreview = False
    fused = panel.logic.fuse(mr, pet, **options)
    assert np.array_equal(shown[:, :, 0], voxels_of(fused)[:, :, 4])
