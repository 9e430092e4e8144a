"""Which fused node belongs to the chosen volumes, where it is put, and which one is saved."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import slicer
from MACTFusionLib.nodes.result import ATTRIBUTE, fused_from, sources_of
from MACTFusionLib.panel import saving
from results import fused_of

pytestmark = pytest.mark.usefixtures("no_worker")


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

    monkeypatch.setattr(saving.qt, "QFileDialog", SimpleNamespace(getSaveFileName=answer))
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
    assert fused_of(mr, pet, output=fused) is fused
    assert tree.GetItemParent(item) == study
    assert fused.GetAttribute(ATTRIBUTE + "AnatomicalID") == mr.GetID()
