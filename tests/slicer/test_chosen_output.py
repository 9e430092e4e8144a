"""The volume that was chosen for the result: filled, replaced where it cannot hold it, or kept."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib.made_volumes import SHAPE, make_pair, put_in_study
from MACTFusionLib.nodes.result import output_note
from MACTFusionLib.nodes.whose import hierarchy
from results import fused_of
from special_volumes import beside

pytestmark = pytest.mark.usefixtures("no_worker")
GREY = np.zeros(SHAPE, np.uint16)


def empty(kind="vtkMRMLScalarVolumeNode"):
    """A volume as "Create new Volume" of a node selector makes it."""
    return slicer.mrmlScene.AddNewNodeByClass(kind, "My result")


def count():
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")


@pytest.mark.parametrize(
    ("kind", "voxels", "expected"),
    [
        ("vtkMRMLScalarVolumeNode", None, "vtkMRMLVectorVolumeNode"),
        ("vtkMRMLVectorVolumeNode", GREY, "vtkMRMLScalarVolumeNode"),
    ],
)
def test_an_empty_volume_of_the_other_kind_is_replaced(kind, voxels, expected, chosen, volumes):
    mr, pet, ct = volumes
    chosen.output = output = empty(kind)
    red = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    red.SetForegroundVolumeID(output.GetID())
    before = count()
    fused = fused_of(mr, [pet, ct], voxels, output)
    assert fused.GetClassName() == expected
    assert fused.GetName() == "My result"
    assert count() == before
    assert not slicer.mrmlScene.IsNodePresent(output)
    assert chosen.output is fused  # the selector shows it, and the next run overwrites it
    assert red.GetForegroundVolumeID() == fused.GetID()
    assert fused_of(mr, [pet, ct], voxels, chosen.output) is fused
    assert output_note(output, fused) == ""


def test_the_selector_shows_the_node_that_replaced_its_own(panel, chosen, volumes):
    mr, pet, ct = volumes
    panel.ui.outputSelector.setCurrentNode(empty())
    fused = fused_of(mr, [pet, ct], output=chosen.output)
    assert panel.ui.outputSelector.currentNode() is fused


def test_an_empty_volume_of_the_same_kind_is_filled(volumes):
    mr, pet, ct = volumes
    output = empty("vtkMRMLVectorVolumeNode")
    assert fused_of(mr, [pet, ct], output=output) is output
    assert output_note(output, output) == ""
    assert output_note(None, output) == ""


def test_voxels_of_the_other_kind_are_kept_and_that_is_said(volumes):
    mr, pet, ct = volumes
    grey = beside(mr, "earlier", 7)
    fused = fused_of(mr, [pet, ct], output=grey)
    assert fused is not grey
    assert slicer.util.arrayFromVolume(grey).min() == 7
    assert output_note(grey, fused) == (
        "earlier is grey and stays as it is: the result is in colour."
    )
    again = fused_of(mr, [pet, ct], GREY, output=fused)
    assert again is not fused
    assert "is in colour and stays as it is: the result is grey." in output_note(fused, again)


@pytest.fixture
def items():
    """Every volume that is added gets an item in the subject hierarchy, as in the application."""

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def added(_scene, _event, node):
        if node.IsA("vtkMRMLVolumeNode"):
            hierarchy().CreateItem(hierarchy().GetSceneItemID(), node)

    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, added)
    yield
    slicer.mrmlScene.RemoveObserver(tag)


def test_the_replacement_lies_in_the_study_too(scene, items):
    mr, pet = make_pair()
    study = put_in_study("Doe^A", "s", mr, pet)
    fused = fused_of(mr, pet, output=empty())
    item = hierarchy().GetItemByDataNode(fused)
    assert item
    assert hierarchy().GetItemParent(item) == study


def test_a_run_says_that_the_chosen_output_stays_as_it_is(panel, chosen, volumes, monkeypatch):
    mr = volumes[0]
    monkeypatch.setenv("MACTFUSION_PYTHON", "/a/python")

    def fuse(anatomical, partner, output, _options, on_end, _on_news):
        on_end(fused_of(anatomical, partner, output=output), None)

    monkeypatch.setattr(panel.logic, "start_fusion", fuse)
    chosen.output = beside(mr, "earlier", 7)
    panel.ui.applyButton.click()
    ready, note = panel.ui.messageLabel.text.split("\n– ")
    assert ready.endswith("is ready.")
    assert note == "earlier is grey and stays as it is: the result is in colour."
