"""Values under the mouse: of the volumes that were fused, where the mouse is."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib.made_volumes import put_under
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.self_test import SHAPE, add_volume, make_pair
from MACTFusionLib.views.under_mouse import probe_text, values_at
from special_volumes import beside, big_volume
from waiting import wait


@pytest.fixture
def crosshair(scene):
    """The one that the panel watches: an emptied scene keeps those of other tests."""
    if slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode") is None:
        slicer.mrmlScene.AddNode(slicer.vtkMRMLCrosshairNode())
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")


def value_at(node, point):
    geometry = geometry_of(node)
    index = np.rint(np.linalg.solve(geometry.affine, [*point, 1.0])[:3]).astype(int)
    return float(voxels_of(node)[tuple(index)])


def test_the_mouse_over_a_fused_volume_shows_values_and_shares(warm_panel, crosshair):
    panel = warm_panel
    chosen = panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    chosen.provenance = True
    panel._settled()
    panel.ui.applyButton.click()
    wait(panel, lambda: not panel.logic.is_running)
    point = (3.0, -5.0, -2.0)
    crosshair.SetCursorPositionRAS(point)
    mr, pet = (value_at(node, point) for node in (chosen.anatomical, chosen.partner))
    assert panel.ui.probeLabel.text == f"Anatomical {mr:.4g} · Partner {pet:.4g}"  # at once
    wait(panel, lambda: "%" in panel.ui.probeLabel.text)
    text = panel.ui.probeLabel.text
    assert text.startswith(f"Anatomical {mr:.4g} (")
    assert f" · Partner {pet:.4g} (" in text
    crosshair.SetCursorPositionRAS((900, 0, 0))
    wait(panel, lambda: not panel.ui.probeLabel.text and panel.under_mouse._under_way is None)
    # What the worker knows is of its last fusion, and not of volumes that are chosen since.
    pair = chosen.anatomical, chosen.partner
    chosen.anatomical = beside(chosen.anatomical, "MR 2", 123)
    panel._settled()
    crosshair.SetCursorPositionRAS(point)
    assert panel.under_mouse._under_way is None  # nobody is asked
    assert panel.ui.probeLabel.text == f"Anatomical 123 · Partner {pet:.4g}"
    chosen.anatomical, chosen.partner = pair[0], beside(pair[0], "PET 2", 77)
    panel._settled()
    crosshair.SetCursorPositionRAS(point)
    assert panel.under_mouse._under_way is None
    assert panel.ui.probeLabel.text == f"Anatomical {mr:.4g} · Partner 77"
    panel.exit()
    crosshair.SetCursorPositionRAS(point)
    assert not panel.ui.probeLabel.text


def test_the_mouse_starts_no_worker(panel, crosshair, no_worker):
    panel.under_mouse.follow()
    crosshair.SetCursorPositionRAS((0, 0, 0))
    assert not panel.logic.session.is_alive
    assert not panel.ui.probeLabel.text  # nothing is chosen


def test_values_are_there_before_anything_is_fused(panel, crosshair, no_worker):
    mr, pet = make_pair()
    pet.SetVoxelValueUnits(suv())
    ct = beside(mr, "CT", -40)
    chosen = panel._parameters
    chosen.anatomical, chosen.partner, chosen.third = mr, pet, ct
    panel._settled()
    point = (3.0, -5.0, -2.0)
    crosshair.SetCursorPositionRAS(point)
    values = value_at(mr, point), value_at(pet, point)
    assert panel.ui.probeLabel.text == (
        "Anatomical {:.4g} · Partner 1 {:.4g} SUV · Partner 2 -40 HU".format(*values)
    )
    put_under(pet, np.array([[1.0, 0, 0, 500], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    crosshair.SetCursorPositionRAS((3.0, -5.0, -1.9))
    assert "Partner 1 outside" in panel.ui.probeLabel.text
    crosshair.SetCursorPositionRAS((-900, 0, 0))
    assert not panel.ui.probeLabel.text
    crosshair.SetCursorPositionRAS(point)
    assert panel.ui.probeLabel.text
    chosen.partner, chosen.third = ct, None
    panel._settled()
    assert not panel.ui.probeLabel.text  # until the mouse moves: the former values are of others
    crosshair.SetCursorPositionRAS(point)
    assert panel.ui.probeLabel.text.endswith("Partner -40 HU")


def suv():
    code = slicer.vtkCodedEntry()
    code.SetValueSchemeMeaning("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
    return code


def test_values_of_colours_and_of_what_is_not_a_number(scene):
    mr, _pet = make_pair()
    color = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "color")
    slicer.util.updateVolumeFromArray(color, np.full((6, 20, 24, 3), (255, 128, 0), np.uint8))
    color.CopyOrientation(mr)
    gaps = add_volume("gaps", np.full(SHAPE, np.nan, np.float32), geometry_of(mr).affine)
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    sources = [(node, "partner", "") for node in (color, gaps, empty)]
    found = values_at(sources, (3.0, -5.0, -2.0))
    assert probe_text(found) == "Partner RGB 255/128/0 · Partner – · Partner outside"


def test_the_line_is_short_and_says_what_is_not_there():
    source = {"role": "anatomical", "units": "", "value": 512.34, "is_outside": False, "share": 0.6}
    partner = {**source, "role": "partner 2", "units": "SUV", "value": None, "share": None}
    outside = {**partner, "role": "partner 1", "is_outside": True}
    read = {**source, "role": "partner 3", "units": "HU", "decoded": [39.0, 30.04, 45.0]}
    found = {"sources": [source, outside, partner, read], "flags": ["Structure is lost here."]}
    assert probe_text(found) == (
        "Anatomical 512.3 (60 %) · Partner 1 outside · Partner 2 – · "
        "Partner 3 512.3 HU (60 %) [colour: 30 to 45]\n⚠ Structure is lost here."
    )
    for bounds, text in (
        ([30.04, None], " [colour: 30 or more]"),
        ([None, 45.0], " [colour: 45 or less]"),
        ([None, None], ""),
    ):
        read["decoded"] = [39.0, *bounds]
        assert probe_text({"sources": [read], "flags": []}) == f"Partner 3 512.3 HU (60 %){text}"


def test_a_large_volume_is_looked_at_without_a_pass_over_it(scene, monkeypatch):
    """512×512×400 voxels, 200 MB: nothing that a movement of the mouse does may copy them."""
    ct = big_volume()
    slicer.util.arrayFromVolume(ct)[7, 300, 40] = 1200
    copied = []
    ascontiguous = np.ascontiguousarray
    monkeypatch.setattr(np, "ascontiguousarray", lambda a: copied.append(a) or ascontiguous(a))
    point = (geometry_of(ct).affine @ [40.4, 300.2, 6.6, 1])[:3]
    found = values_at([(ct, "anatomical", "HU")], point)
    assert probe_text(found) == "Anatomical 1200 HU"
    assert copied == []
    assert np.shares_memory(voxels_of(ct), slicer.util.arrayFromVolume(ct))
