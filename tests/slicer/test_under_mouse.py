"""Values under the mouse: of the volumes that were fused, where the mouse is."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.self_test import make_pair
from MACTFusionLib.views.under_mouse import probe_text
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
    wait(panel, lambda: not panel.ui.probeLabel.text)
    panel.exit()
    crosshair.SetCursorPositionRAS(point)
    assert not panel.ui.probeLabel.text


def test_the_mouse_starts_no_worker(panel, crosshair, no_worker):
    panel.under_mouse.follow()
    crosshair.SetCursorPositionRAS((0, 0, 0))
    assert not panel.logic.session.is_alive
    assert not panel.ui.probeLabel.text


def test_the_line_is_short_and_says_what_is_not_there():
    source = {"role": "anatomical", "units": "", "value": 512.34, "is_outside": False, "share": 0.6}
    partner = {**source, "role": "partner 2", "units": "SUV", "value": None, "share": None}
    outside = {**partner, "role": "partner 1", "is_outside": True}
    found = {"sources": [source, outside, partner], "flags": ["Structure is lost here."]}
    assert probe_text(found) == (
        "Anatomical 512.3 (60 %) · Partner 1 outside · Partner 2 –\n⚠ Structure is lost here."
    )
