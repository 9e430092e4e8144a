"""Several fusions one after another, with a real worker: what is offered, and what is said."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import qt
import slicer
from MACTFusionLib.made_volumes import put_in_study
from MACTFusionLib.nodes.result import sources_of
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.self_test import SHAPE, add_volume, make_pair
from waiting import progress_of, wait


@pytest.fixture
def three(warm_panel):
    """MR, PET and CT of one patient in the scene of a panel with a warm worker."""
    mr, pet = make_pair()
    hounsfield = np.full(SHAPE, -1000, np.int16)
    hounsfield[-8:, -6:] = 120
    ct = add_volume("CT", hounsfield, geometry_of(mr).affine)
    put_in_study("Doe^A", "s", mr, pet, ct)
    return mr, pet, ct


def rows(panel):
    items = [panel.ui.pairList.item(row) for row in range(panel.ui.pairList.count)]
    return {item.text(): item.checkState() == qt.Qt.Checked for item in items}


def check(panel, *wanted):
    for row, name in enumerate(rows(panel)):
        state = qt.Qt.Checked if name in wanted else qt.Qt.Unchecked
        panel.ui.pairList.item(row).setCheckState(state)


def finish(panel):
    wait(panel, lambda: not panel.logic.is_running)


def fused_nodes():
    return slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")


def test_pairs_and_all_partners_of_an_mr_are_offered(panel, three):
    panel.ui.findPairsButton.click()
    assert rows(panel) == {"MR + PET": True, "MR + CT": True, "MR + PET + CT": False}
    affine = geometry_of(three[0]).affine
    for name in ("SPECT a", "SPECT b"):  # four partners are too many for one image
        put_in_study("Doe^A", "s", add_volume(name, np.zeros(SHAPE, np.int16), affine))
    panel.ui.findPairsButton.click()
    assert list(rows(panel)) == ["MR + PET", "MR + CT", "MR + SPECT a", "MR + SPECT b"]


def test_all_partners_are_fused_into_one_image_each_by_its_own_task(panel, three):
    mr, pet, ct = three
    panel.ui.findPairsButton.click()
    check(panel, "MR + PET + CT")
    panel.ui.batchButton.click()
    finish(panel)
    (fused,) = fused_nodes()
    assert sources_of(fused) == (mr, [pet, ct])
    assert fused.GetAttribute("MACTFusion.Task") in ("pet-mri + ct-mri", "ct-mri + pet-mri")
    assert "MR + PET + CT fused is ready" in panel.ui.messageLabel.text


def test_a_failure_in_the_middle_is_not_forgotten(panel, three):
    mr, pet, ct = three
    panel.ui.lostCheckBox.setChecked(False)
    panel.ui.findPairsButton.click()
    check(panel, *rows(panel))
    with progress_of(panel) as said:
        panel.ui.batchButton.click()
        slicer.mrmlScene.RemoveNode(ct)
        finish(panel)
    assert any(text.startswith("1 of 3 · ") for text in said)
    message = panel.ui.messageLabel.text
    assert message == "1 of 3 are ready; Details says why the others are not."
    assert "MR + CT: A volume was removed" in panel.runs.message.details
    assert "MR + PET + CT: A volume was removed" in panel.runs.message.details
    assert [sources_of(node) for node in fused_nodes()] == [(mr, [pet])]


def test_cancel_says_what_was_ready_already(panel, three):
    panel.ui.findPairsButton.click()
    check(panel, *rows(panel))

    def cancel_the_second(text):
        if text.startswith("2 of 3"):
            panel.ui.cancelButton.click()

    with progress_of(panel, cancel_the_second):
        panel.ui.batchButton.click()
        finish(panel)
    assert panel.ui.messageLabel.text.startswith("1 of 3 are ready")
    assert "MR + CT: cancelled" in panel.runs.message.details
    assert "MR + PET + CT: cancelled" in panel.runs.message.details
    assert len(fused_nodes()) == 1


def test_all_ready_is_said_and_nothing_checked_too(panel, three):
    panel.ui.lostCheckBox.setChecked(False)
    panel.ui.findPairsButton.click()
    panel.ui.batchButton.click()
    finish(panel)
    assert panel.ui.messageLabel.text == "All 2 are ready."
    check(panel)
    panel.ui.batchButton.click()
    assert not panel.logic.is_running
    assert "No volumes of the list are checked" in panel.ui.messageLabel.text


def shift(node, millimetres):
    """Move a volume aside, so that it covers a part of the others only."""
    affine = geometry_of(node).affine.copy()
    affine[0, 3] += millimetres
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))


def test_notes_of_a_batch_are_in_the_details(panel, three):
    shift(three[1], 20)
    panel.ui.lostCheckBox.setChecked(False)
    panel.ui.findPairsButton.click()
    panel.ui.batchButton.click()
    finish(panel)
    assert panel.ui.messageLabel.text == "All 2 are ready; Details has notes."
    assert panel.runs.message.details.startswith("MR + PET: ")
    assert "covers" in panel.runs.message.details
    assert "MR + CT" not in panel.runs.message.details  # nothing is to be noted of it
    panel.ui.batchButton.click()
    slicer.mrmlScene.RemoveNode(three[2])
    finish(panel)
    assert panel.ui.messageLabel.text == (
        "1 of 2 are ready; Details says why the others are not, and has notes."
    )
    reason, note = panel.runs.message.details.split("\n\nMR + PET: ")
    assert "MR + CT: A volume was removed" in reason
    assert "covers" in note
    shift(three[1], -20)
    panel.ui.findPairsButton.click()
    panel.ui.batchButton.click()
    finish(panel)
    assert "Notes" not in panel.ui.messageLabel.text
    assert panel.runs.message.details == ""


def test_saved_after_a_batch_is_the_pair_that_is_chosen(panel, three, tmp_path, monkeypatch):
    mr, pet, _ct = three
    panel._parameters.anatomical, panel._parameters.partner = mr, pet
    panel.ui.findPairsButton.click()
    panel.ui.batchButton.click()
    finish(panel)
    (of_pet,) = fused_nodes()
    of_ct = slicer.util.getNode("MR + CT fused")
    assert panel.runs.fused is of_ct
    path = tmp_path / "f.nrrd"
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(path))
    panel.ui.saveButton.click()
    assert "MR + PET fused" in panel.ui.messageLabel.text
    back = slicer.mrmlScene.AddNewNodeByClass(of_pet.GetClassName())
    storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(back)
    assert np.array_equal(voxels_of(back), voxels_of(of_pet))
