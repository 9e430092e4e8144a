"""The places of what was lost: kept with the fused node, and shown in the views one by one."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib.nodes.lost import lost_line, lost_places, place_line
from MACTFusionLib.views.jump import jump_to
from MACTFusionLib.views.layout import layout_node
from MACTFusionLib.views.shown import shown_slices
from results import fused_of

pytestmark = pytest.mark.usefixtures("no_worker")


def region(kind, source, position, **more):
    known = {"kind": kind, "source": source, "position": position}
    return {**known, "size": 4.0, "unit": "mm", "kept": 0.1, **more}


REGIONS = [
    region("averaged away", "partner", [1.0, 2.0, 3.0]),
    region("invented", "fused", [-7.25, 8.0, 9.0], kept=0.0),
    region("lost", "anatomical", [10.04, -5.0, 6.0]),
]


def middles():
    return [slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, 3] for view in shown_slices()]


def test_places_are_kept_what_matters_most_first(volumes):
    mr, pet, _ct = volumes
    fused = fused_of(mr, pet, lost=REGIONS)
    assert lost_places(fused) == [
        {"position": [10.0, -5.0, 6.0], "name": "MR"},
        {"position": [1.0, 2.0, 3.0], "name": "PET"},
        {"position": [-7.2, 8.0, 9.0], "name": ""},
    ]
    assert lost_places(fused_of(mr, pet, lost=[], output=fused)) == []
    assert lost_places(fused_of(mr, pet)) == []
    assert lost_places(None) == []


def test_places_move_with_the_result(panel, chosen, volumes):
    mr, pet, _ct = volumes
    chosen.third = None
    fused = fused_of(mr, pet, lost=REGIONS[2:])
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.array([[0.0, -1, 0, 3], [1, 0, 0, 4], [0, 0, 1, -50], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    for node in (mr, pet, fused):
        node.SetAndObserveTransformNodeID(transform.GetID())
    panel._settled()
    assert panel.ui.lostLabel.text.endswith("most at R, A, S 8, 14, -44 mm.")
    panel.ui.lostButton.click()
    assert np.allclose(middles(), [8.0, 14.0, -44.0])


@pytest.mark.parametrize("kept", ["✓ No structure is lost.", "[]", '["places"]', "{}", "3"])
def test_what_an_earlier_version_kept_says_nothing(volumes, kept):
    mr, pet, _ct = volumes
    fused = fused_of(mr, pet, lost=REGIONS)
    fused.SetAttribute("MACTFusion.Lost", kept)
    assert lost_places(fused) == []
    assert lost_line(fused) == ("", False)


def test_every_view_that_can_be_seen_shows_the_place(scene):
    layout_node().SetViewArrangement(layout_node().SlicerLayoutOneUpRedSliceView)
    jump_to([10.0, -5.0, 6.0])
    assert [middle.tolist() for middle in middles()] == [[10.0, -5.0, 6.0]]
    layout_node().SetViewArrangement(layout_node().SlicerLayoutFourUpView)
    assert sorted(middle.tolist() == [10.0, -5.0, 6.0] for middle in middles()) == [0, 0, 1]


def test_the_button_goes_round(panel, chosen, volumes):
    mr, pet, _ct = volumes
    chosen.third = None
    panel._settled()
    assert panel.ui.lostButton.isHidden()
    fused_of(mr, pet, lost=REGIONS)
    panel._settled()
    assert not panel.ui.lostButton.isHidden()
    said = []
    for place in ([10.0, -5.0, 6.0], [1.0, 2.0, 3.0], [-7.2, 8.0, 9.0], [10.0, -5.0, 6.0]):
        panel.ui.lostButton.click()
        assert np.allclose(middles(), place)
        said.append(panel.ui.messageLabel.text)
    assert said == [
        "Place 1 of 3: structure of MR is lost.",
        "Place 2 of 3: structure of PET is lost.",
        "Place 3 of 3: structure that no source has.",
        "Place 1 of 3: structure of MR is lost.",
    ]
    fused_of(mr, pet, lost=REGIONS[:1])
    panel._settled()
    panel.ui.lostButton.click()
    assert panel.ui.messageLabel.text == place_line({"name": "PET"}, 1, 1)
