"""The panel with a real worker: preview, Apply, Cancel, events, and what stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import psutil
import slicer
from MACTFusionLib.made_volumes import put_in_study
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.parameters import Display
from MACTFusionLib.self_test import make_pair
from MACTFusionLib.views.shown import composite_of
from MACTFusionLib.worker import environment
from waiting import has_ended, progress_of, wait


@pytest.fixture
def ready(warm_panel):
    """The panel with a pair, a warm worker, and the axial view on the pair."""
    chosen = warm_panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    view = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    view.SetSliceOffset(-2.0)
    return warm_panel


def apply(panel):
    panel.ui.applyButton.click()
    wait(panel, lambda: not panel.logic.is_running)
    assert "is ready" in panel.ui.messageLabel.text
    return panel.runs.fused


def red():
    return slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")


def test_apply_shows_progress_and_ends_with_a_node(ready):
    ready._parameters.anatomical, ready._parameters.partner = make_pair(shape=(24, 20, 60))
    with progress_of(ready) as said:
        ready.ui.applyButton.click()
        assert not ready.ui.applyButton.enabled
        assert "under way" in ready.ui.applyButton.toolTip
        assert ready.ui.cancelButton.enabled
        wait(ready, lambda: not ready.logic.is_running)
    assert any(text.startswith("Slice ") and "slices/s" in text for text in said), said
    assert ready.runs.fused.GetName() == "MR + PET fused"
    assert "is ready" in ready.ui.messageLabel.text
    assert ready.ui.applyButton.enabled
    assert ready.ui.saveButton.enabled
    assert not ready.ui.cancelButton.enabled


def test_cancel_button_ends_the_run(ready):
    ready._parameters.anatomical, ready._parameters.partner = make_pair(shape=(64, 64, 400))
    ready.ui.applyButton.click()
    wait(ready, lambda: "Slice" in ready.ui.progressLabel.text)
    ready.ui.cancelButton.click()
    wait(ready, lambda: not ready.logic.is_running)
    assert "Cancelled" in ready.ui.messageLabel.text
    assert ready.runs.fused is None
    assert ready.ui.applyButton.enabled


def test_preview_is_the_slice_of_the_fused_volume(ready):
    ready._parameters.livePreview = True
    wait(ready, lambda: ready.looking.preview.node is not None)
    wait(ready, lambda: not ready.looking.preview.is_under_way)
    node = ready.looking.preview.node
    shown, affine = voxels_of(node).copy(), geometry_of(node).affine
    fused = apply(ready)
    assert composite_of(red()).GetForegroundVolumeID() == fused.GetID()
    red().SetSliceOffset(3.0)
    ready._settled()
    assert ready.looking.preview.node is None  # the whole volume is there
    index = np.linalg.inv(geometry_of(fused).affine) @ affine[:, 3]
    assert np.allclose(index, [0, 0, 2, 1])
    assert np.array_equal(shown[:, :, 0], voxels_of(fused)[:, :, 2])


def test_scrolling_brings_the_newest_slice(ready):
    ready._parameters.livePreview = True
    for offset in (-12.0, -7.0, -2.0, 3.0, 13.0):
        red().SetSliceOffset(offset)
        slicer.app.processEvents()

    def is_last():
        node = ready.looking.preview.node
        return node is not None and np.isclose(geometry_of(node).affine[2, 3], 13.0)

    wait(ready, lambda: is_last() and not ready.looking.preview.is_under_way)
    assert composite_of(red()).GetForegroundVolumeID() == ready.looking.preview.node.GetID()
    ready._parameters.livePreview = False
    wait(ready, lambda: ready.looking.preview.node is None)
    assert composite_of(red()).GetForegroundVolumeID() is None


def test_window_of_the_view_is_what_is_fused(ready):
    chosen = ready._parameters
    dark, bright = (apply_with_window(ready, level, 400) for level in (2000, 150))
    assert dark.mean() < bright.mean()
    chosen.display = Display.FIXED
    fixed = [apply_with_window(ready, level, 400) for level in (2000, 150)]
    assert np.array_equal(*fixed)


def apply_with_window(panel, level, width):
    display = panel._parameters.anatomical.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(width, level)
    return voxels_of(apply(panel)).astype(float)


def test_voxels_edited_silently_are_fused_afresh(ready):
    before = voxels_of(apply(ready)).copy()
    voxels = slicer.util.arrayFromVolume(ready._parameters.partner)
    voxels[:] = voxels[:, :, ::-1].copy()
    assert not np.array_equal(voxels_of(apply(ready)), before)


def test_chosen_output_is_overwritten(ready):
    first = apply(ready)
    ready._parameters.output = first
    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVectorVolumeNode")
    assert apply(ready) is first
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVectorVolumeNode") == before


def test_grey_result_is_a_scalar_volume(ready):
    ready._parameters.luminance = True
    fused = apply(ready)
    assert fused.GetClassName() == "vtkMRMLScalarVolumeNode"
    assert fused.GetDisplayNode().GetLevel() == 32767.5


def test_closing_the_scene_during_a_run_leaves_nothing(ready, scene):
    ready._parameters.anatomical, ready._parameters.partner = make_pair(shape=(64, 64, 400))
    ready.ui.applyButton.click()
    wait(ready, lambda: "Slice" in ready.ui.progressLabel.text)
    scene.scene.Clear(False)
    assert not ready.logic.is_running
    wait(ready, lambda: not ready.logic.session.is_busy)
    assert scene.scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0
    ready._parameters.anatomical, ready._parameters.partner = make_pair()
    ready._parameters.device = "cpu"
    assert apply(ready) is not None


def test_removing_a_source_during_a_run_is_one_sentence(ready, scene):
    ready.ui.applyButton.click()
    scene.scene.RemoveNode(ready._parameters.partner)
    wait(ready, lambda: not ready.logic.is_running)
    assert "removed from the scene" in ready.ui.messageLabel.text


def test_batch_fuses_checked_pairs(ready):
    put_in_study("Doe^A", "s", ready._parameters.anatomical, ready._parameters.partner)
    ready.ui.findPairsButton.click()
    assert len(ready.batch.pairs) == 1
    ready.ui.batchButton.click()
    wait(ready, lambda: not ready.logic.is_running)
    assert ready.runs.fused is not None
    assert ready._parameters.output is None


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz"])
def test_saved_file_has_voxels_and_place(suffix, ready, tmp_path):
    from MACTFusionLib.made_volumes import put_under

    shift = np.eye(4)
    shift[:3, 3] = (11, -7, 3)
    for node in (ready._parameters.anatomical, ready._parameters.partner):
        put_under(node, shift)
    fused = apply(ready)
    path = tmp_path / f"fused{suffix}"
    ready.logic.save(fused, str(path))
    back = slicer.mrmlScene.AddNewNodeByClass(fused.GetClassName())
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    if suffix == ".nrrd":
        storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(back)
    assert np.allclose(geometry_of(back).affine, geometry_of(fused).affine, atol=1e-4)
    assert np.array_equal(voxels_of(back), voxels_of(fused))


def test_killed_worker_is_said_and_replaced(panel, library):
    """A worker of its own: this one is killed."""
    chosen = panel._parameters
    chosen.livePreview = False
    chosen.anatomical, chosen.partner = make_pair(shape=(64, 64, 400))
    chosen.device = "cpu"
    panel.ui.applyButton.click()
    # The volumes are not handed over yet: a worker that has them may end before a busy panel looks.
    wait(panel, lambda: panel.logic.session.hello)
    pid = panel.logic.session.hello["pid"]
    psutil.Process(pid).kill()
    wait(panel, lambda: not panel.logic.is_running)
    assert "ended unexpectedly" in panel.ui.messageLabel.text
    assert panel.ui.applyButton.enabled
    chosen.anatomical, chosen.partner = make_pair()
    assert apply(panel) is not None
    second, folder = (panel.logic.session.hello[name] for name in ("pid", "folder"))
    assert second != pid
    log = environment.log()
    assert log.is_file()
    panel.cleanup()
    assert not Path(folder).exists()
    assert not log.parent.exists()
    assert has_ended(second)


def test_wrong_python_is_one_sentence(panel, tmp_path):
    chosen = panel._parameters
    chosen.livePreview = False
    chosen.anatomical, chosen.partner = make_pair()
    panel.ui.pythonEdit.currentPath = str(tmp_path / "python")
    panel.ui.applyButton.click()
    assert "cannot be started" in panel.ui.messageLabel.text
    assert not panel.logic.is_running
