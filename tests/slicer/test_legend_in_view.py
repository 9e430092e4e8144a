"""The legend drawn into the view of the fused volume, by Slicer's own rendering, and taken away."""

from __future__ import annotations

import base64
import io

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib.nodes.legend import ends_of, legend_text, legends_of
from MACTFusionLib.views import legend_in_view
from MACTFusionLib.views.layout import FUSED_VIEW, layout_node
from MACTFusionLib.views.legend_in_view import LegendInView
from MACTFusionLib.views.shown import widget_of
from results import fused_of

pytestmark = pytest.mark.usefixtures("no_worker")
GREEN = (20, 200, 40)


def png_of(color):
    """A picture of one colour, as the worker sends it."""
    image = vtk.vtkImageData()
    image.SetDimensions(8, 4, 1)
    samples = np.tile(np.array(color, np.uint8), (32, 1))
    image.GetPointData().SetScalars(vtk.util.numpy_support.numpy_to_vtk(samples, deep=True))
    writer = vtk.vtkPNGWriter()
    writer.WriteToMemoryOn()
    writer.SetInputData(image)
    writer.Write()
    content = io.BytesIO(vtk.util.numpy_support.vtk_to_numpy(writer.GetResult()).tobytes())
    return base64.b64encode(content.getvalue()).decode()


def legend(role="partner", **more):
    known = {"input": role, "low": 0.0, "high": 8.0, "units": "SUV", "png": png_of(GREEN)}
    return {**known, **more}


def picture_of(name):
    """What a slice view shows: rows from below, columns, RGB."""
    view = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
    window = widget_of(view).sliceView().renderWindow()
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    width, height = window.GetSize()
    scalars = grab.GetOutput().GetPointData().GetScalars()
    return vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(height, width, -1)[..., :3]


def greens(name):
    """Rows and columns of a view that have the colour of the legend."""
    found = np.all(np.abs(picture_of(name).astype(int) - GREEN) < 4, axis=-1)
    return np.nonzero(found)


@pytest.fixture
def fused(panel, chosen, volumes):
    """A fused volume with a legend, in front of the MR, and the panel that shows it."""
    mr, pet, _ct = volumes
    chosen.third = None
    node = fused_of(mr, pet, legends=[legend()])
    slicer.util.setSliceViewerLayers(background=mr, foreground=node, foregroundOpacity=1.0)
    panel._settled()
    return node


def test_the_legend_is_drawn_into_one_view_and_taken_away(panel, fused):
    box = panel.ui.legendCheckBox
    assert not box.isHidden()
    assert len(greens("Red")[0]) == 0
    box.checked = True
    rows, columns = greens("Red")
    assert len(rows) == legend_in_view._WIDTH * legend_in_view._HEIGHT
    assert columns.min() == legend_in_view._LEFT
    assert abs(rows.mean() - 128) < 40  # half-way up
    assert len(greens("Green")[0]) == 0
    box.checked = False
    assert len(greens("Red")[0]) == 0


def test_the_ends_of_the_window_and_the_name_are_written(panel, fused):
    before = picture_of("Red").copy()
    panel.ui.legendCheckBox.checked = True
    after = picture_of("Red")
    rows, columns = greens("Red")
    changed = np.any(before != after, axis=-1)
    below = changed[: rows.min(), :]
    above = changed[rows.max() + 1 :, :]
    middle = int(columns.mean())
    assert below[:, :middle].any()  # the lower end
    assert below[:, middle:].any()  # the upper end
    assert above.any()  # name and units
    (kept,) = legends_of(fused)
    assert ends_of(kept) == ("0.00", "8.00")
    assert legend_in_view._title(kept) == "PET (SUV)"


def test_other_modules_other_scenes_and_the_end_have_no_legend(panel, fused):
    panel.ui.legendCheckBox.checked = True
    assert len(greens("Red")[0])
    panel.exit()
    assert len(greens("Red")[0]) == 0
    panel.enter()
    panel._settled()
    assert len(greens("Red")[0])
    slicer.mrmlScene.Clear(False)
    assert len(greens("Red")[0]) == 0


def test_the_legend_goes_with_the_view_that_shows_the_fused_volume(panel, fused):
    panel.ui.legendCheckBox.checked = True
    panel.ui.compareButton.click()
    panel._settled()
    assert len(greens("Red")[0]) == 0
    assert len(greens(FUSED_VIEW)[0])
    slicer.app.layoutManager().setLayout(layout_node().SlicerLayoutOneUpGreenSliceView)
    panel._settled()
    assert len(greens(FUSED_VIEW)[0]) == 0
    assert len(greens("Green")[0])
    slicer.util.setSliceViewerLayers(foreground=None)
    panel._settled()
    assert len(greens("Green")[0]) == 0
    assert not panel.looking._aids._legend.is_shown


def test_a_grey_result_has_none(panel, chosen, volumes):
    mr, pet, ct = volumes
    fused_of(mr, [pet, ct], np.zeros((24, 20, 6), np.uint16))
    panel._settled()
    assert panel.ui.legendCheckBox.isHidden()
    panel.ui.legendCheckBox.checked = True
    assert not panel.looking._aids._legend.is_shown


def test_each_partner_has_its_own_below_the_other(volumes):
    mr, pet, ct = volumes
    roles = ("partner 1", "partner 2")
    node = fused_of(mr, [pet, ct], legends=[legend(role) for role in roles])
    slicer.util.setSliceViewerLayers(foreground=node)
    drawn = LegendInView()
    drawn.show(legends_of(node), [node])
    rows, _columns = greens("Red")
    assert len(rows) == 2 * legend_in_view._WIDTH * legend_in_view._HEIGHT
    assert np.diff(np.unique(rows)).max() > legend_in_view._LINE
    drawn.show(legends_of(node), [node])  # what is drawn already is left alone
    assert len(greens("Red")[0]) == len(rows)
    drawn.hide()
    assert len(greens("Red")[0]) == 0


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("PET $1$ Ödem", "PET $1$ Ödem (SUV)"),
        ("頭部 PET", "Partner 2 (SUV)"),  # VTK's letters are those of Europe
        ("<b>x</b>&", "<b>x</b>& (SUV)"),  # no markup in the view
    ],
)
def test_names_are_written_as_they_are_or_not_at_all(name, title, volumes, monkeypatch):
    mr, pet, ct = volumes
    ct.SetName(name)
    node = fused_of(mr, [pet, ct], legends=[legend("partner 2")])
    (kept,) = legends_of(node)
    assert legend_in_view._title(kept) == title
    assert "<b>" not in legend_text(node)
    slicer.app.applicationLogic().SetFontFileName(vtk.VTK_ARIAL, "own.ttf")
    try:
        assert legend_in_view._title(kept) == f"{name} (SUV)"
    finally:
        slicer.app.applicationLogic().SetFontFileName(vtk.VTK_ARIAL, "")
