"""A result whose sources were moved or edited since says so, and no longer that nothing is lost."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib.nodes.made_of import is_outdated
from results import fused_of

pytestmark = pytest.mark.usefixtures("no_worker")

CHECKED = "✓ MR + PET fused: No structure of a source is lost, and none is invented."
BEFORE = "– MR + PET fused: What is lost was looked for before its sources were moved or edited."
NEWER = "⚠ Its sources were moved or edited since: press Apply to fuse them as they are."


@pytest.fixture
def pair(chosen, volumes):
    """The chosen MR with its PET alone, fused."""
    chosen.third = None
    mr, pet, _ct = volumes
    return mr, pet, fused_of(mr, pet, lost=[])


def move(nodes, mm=2.0):
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, mm)
    transform.SetMatrixTransformToParent(matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def edit(node):
    slicer.util.arrayFromVolume(node)[0, 0, 0] += 1
    slicer.util.arrayFromVolumeModified(node)


def said(panel):
    panel._settled()
    return panel.ui.lostLabel.text, NEWER in panel.ui.originLabel.text


def assert_as_made(panel):
    assert said(panel) == (CHECKED, False)
    assert not panel.ui.originLabel.styleSheet


def assert_outdated(panel):
    assert said(panel) == (BEFORE, True)
    assert panel.ui.originLabel.styleSheet
    assert panel.ui.originLabel.text.startswith(NEWER)
    assert "made of MR + PET" in panel.ui.originLabel.text


@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_that_is_moved_alone(panel, pair, which):
    assert_as_made(panel)
    transform = move([pair[which]])
    assert_outdated(panel)
    transform.SetMatrixTransformToParent(vtk.vtkMatrix4x4())
    assert_as_made(panel)


def test_all_moved_together_are_as_they_were(panel, pair):
    move(pair, 600.0)
    assert_as_made(panel)


@pytest.mark.parametrize("which", [0, 1])
def test_voxels_that_are_edited(panel, pair, which):
    edit(pair[which])
    assert_outdated(panel)
    assert fused_of(*pair[:2], output=pair[2], lost=[]) is pair[2]
    assert_as_made(panel)


def test_a_transform_that_is_not_linear(panel, pair):
    grid = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "bent")
    spline = vtk.vtkBSplineTransform()
    grid.SetAndObserveTransformToParent(spline)
    pair[1].SetAndObserveTransformNodeID(grid.GetID())
    assert_outdated(panel)


def test_in_a_saved_scene_places_are_known(pair, panel, saved_and_opened):
    edit(pair[0])
    assert_outdated(panel)
    chosen = saved_and_opened()
    fused = slicer.util.getNode("MR + PET fused")
    sources = [slicer.util.getNode(name) for name in ("MR", "PET")]
    for node in (fused, *sources):  # the file of a scene has no voxels
        node.SetAndObserveImageData(vtk.vtkImageData())
        node.GetImageData().SetDimensions(3, 4, 5)
    assert not is_outdated(fused, sources)
    matrix = np.eye(4)
    matrix[2, 3] = 0.5
    move(sources[1:]).SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    assert is_outdated(fused, sources)
    assert chosen.anatomical is sources[0]


@pytest.mark.parametrize("kept", [None, "", "of another program", "[[1]]", "{}"])
def test_nothing_is_claimed_of_what_is_not_known(pair, kept):
    mr, pet, fused = pair
    fused.SetAttribute("MACTFusion.SourcePlaces", kept)
    move([pet])
    assert not is_outdated(fused, [mr, pet])
