"""What happens around the panel: reload, exit, sequences, a second run, and Slicer's own lists."""

from __future__ import annotations

import dataclasses
import sys
import types
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import qt
import slicer
from MACTFusionLib.nodes import samples
from MACTFusionLib.nodes.display import options_as_shown
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.self_test import SHAPE, add_volume, make_pair
from MACTFusionLib.views.preview import look_of
from MACTFusionLib.widget import MACTFusionWidget
from MACTFusionLib.worker.conversation import WorkerError
from MACTFusionLib.worker.process import GRACE_S
from waiting import has_ended, wait

OPTIONS = {"device": "cpu", "task": "pet-mri"}


@pytest.fixture
def frames(scene):
    """An MR, and a PET of two frames in a sequence browser that shows the first."""
    mr, frame = make_pair()
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(slicer.mrmlScene)
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "PET over time")
    hot = slicer.util.arrayFromVolume(frame).copy()
    for time_s, values in (("0", hot), ("60", hot[:, ::-1, ::-1].copy())):
        slicer.util.updateVolumeFromArray(frame, values)
        sequence.SetDataNodeAtValue(frame, time_s)
    slicer.mrmlScene.RemoveNode(frame)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())

    def show(number):
        browser.SetSelectedItemNumber(number)
        logic.UpdateProxyNodesFromSequences(browser)
        return browser.GetProxyNode(sequence)

    show(0).CreateDefaultDisplayNodes()
    yield mr, show
    logic.SetMRMLScene(None)


def test_the_frame_that_is_shown_is_fused(frames, logic):
    mr, show = frames
    first = show(0)
    options = options_as_shown(mr, first)
    look = look_of(mr, first, options)
    before = voxels_of(logic.fuse(mr, first, display="fixed", **OPTIONS)).astype(int).sum(-1)
    second = show(1)
    assert second is first  # the same node has other voxels
    assert look_of(mr, second, options) != look  # a preview is made anew
    after = voxels_of(logic.fuse(mr, second, display="fixed", **OPTIONS)).astype(int).sum(-1)
    middle = SHAPE[2] // 2
    assert before[2, 2, middle] > 2 * before[-3, -3, middle]
    assert after[-3, -3, middle] > 2 * after[2, 2, middle]


def test_a_second_run_is_refused_in_a_sentence_and_the_first_goes_on(logic):
    mr, pet = make_pair(shape=(64, 64, 12))
    options = logic.options_for(mr, pet, "fixed", OPTIONS)
    ended = []
    logic.start_fusion(mr, pet, None, options, lambda *end: ended.append(end))
    with pytest.raises(WorkerError, match="under way") as refusal:
        logic.start_fusion(mr, pet, None, options, lambda *end: ended.append(end))
    assert refusal.value.code == "busy"
    logic.wait(lambda: bool(ended))
    assert len(ended) == 1
    assert ended[0][0] is not None


def run_until_the_network(panel):
    chosen = panel._parameters
    chosen.livePreview = False
    chosen.anatomical, chosen.partner = make_pair(shape=(64, 64, 400))
    chosen.device = "cpu"
    panel.ui.applyButton.click()
    wait(panel, lambda: "Slice" in panel.ui.progressLabel.text)


def test_exit_during_a_run_leaves_no_process(panel, library, monkeypatch):
    run_until_the_network(panel)
    pid = panel.logic.session.hello["pid"]
    count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
    worker = panel.logic.session._process._process
    wait, waits = worker.wait, []

    def waiting(timeout=None):
        # Slicer hangs at its exit if it waits for a worker without an end.
        assert timeout is not None
        waits.append(timeout)
        return wait(timeout)

    monkeypatch.setattr(worker, "wait", waiting)
    assert panel.logic.is_running
    panel.cleanup()
    assert not panel.logic.is_running
    assert panel.runs.fused is None
    assert waits
    assert max(waits) <= GRACE_S  # no more than that, however long the run would have gone on
    assert has_ended(pid)
    slicer.app.processEvents()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == count


class Shown(slicer.qMRMLWidget):
    """The module's widget while it is shown."""

    isEntered = True  # noqa: N815


def test_reload_of_a_module_that_is_shown_enters_it(scene, volumes):
    """Slicer makes the panel again then, and nobody calls ``enter``."""
    parent = Shown()
    parent.setLayout(qt.QVBoxLayout())
    again = MACTFusionWidget(parent)
    again.setup()
    try:
        assert again.looking.is_entered
        assert again._parameters.anatomical is volumes[0]
    finally:
        again.cleanup()


def test_reload_uses_the_files_as_they_are_now(panel, monkeypatch):
    """Slicer loads the entry again; the files behind it must come afresh too."""
    names = [name for name in sys.modules if name.partition(".")[0] == "MACTFusionLib"]
    before = {name: sys.modules[name] for name in names}
    base = type(panel).__mro__[1]
    monkeypatch.setattr(base, "onReload", lambda _self: None, raising=False)
    try:
        panel.onReload()
        panel.cleanup()
        from MACTFusionLib import widget

        assert widget is not before["MACTFusionLib.widget"]
        for name in ("nodes.volumes", "views.compare", "worker.process"):
            name = f"MACTFusionLib.{name}"
            assert sys.modules[name] is not before[name]
        parent = slicer.qMRMLWidget()
        parent.setLayout(qt.QVBoxLayout())
        again = widget.MACTFusionWidget(parent)
        again.setup()
        again.enter()
        again._parameters.livePreview = False
        again._parameters.anatomical, again._parameters.partner = make_pair()
        assert again.ui.applyButton.enabled
        again.cleanup()
        assert again.Observations == []
    finally:
        for name in [n for n in sys.modules if n.partition(".")[0] == "MACTFusionLib"]:
            del sys.modules[name]
        sys.modules.update(before)


def test_sample_data_are_registered_as_slicer_wants_them(scene, monkeypatch):
    """Slicer's module Sample Data is not in the wheel; its rules for an entry are repeated here."""
    entries = []

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(  # noqa: N802  Slicer
            *,
            category,
            sampleName,  # noqa: N803
            uris=None,
            fileNames=None,  # noqa: N803
            nodeNames=None,  # noqa: N803
            customDownloader=None,  # noqa: N803
            thumbnailFileName=None,  # noqa: N803
            checksums=None,
        ):
            assert len(uris) == len(fileNames) == len(nodeNames) == len(checksums)
            assert all(checksum.startswith("SHA256:") for checksum in checksums)
            entries.append((category, sampleName, thumbnailFileName, customDownloader))

    stand_in = types.ModuleType("SampleData")
    stand_in.SampleDataLogic = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", stand_in)
    samples.register_samples()
    names = [name for _category, name, _thumbnail, _load in entries]
    assert names == [f"Head {pair}, synthetic" for pair in ("MR + PET", "MR + CT", "CT + PET")]
    for category, name, thumbnail, load in entries:
        assert category == "MACTFusion"
        assert Path(thumbnail).read_bytes()[:4] == b"\x89PNG"
        anatomical, partner = load(object())
        assert geometry_of(anatomical).shape != geometry_of(partner).shape
        kinds = [node.GetName().partition(" ")[0] for node in (anatomical, partner)]
        assert " + ".join(kinds) in name


def test_damaged_sample_data_are_one_sentence(panel, monkeypatch):
    damaged = dataclasses.replace(samples._PET, digest="0" * 64)
    monkeypatch.setitem(samples._PAIRS, "mr-pet", (samples._MR, damaged))
    panel.ui.sampleButton.click()
    assert panel.ui.messageLabel.text == "pet.nrrd is damaged; install the extension again."
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0


def test_output_of_the_other_kind_stays_as_it_is(logic):
    mr, pet = make_pair()
    grey = add_volume("earlier", np.ones(SHAPE, np.uint8), geometry_of(mr).affine)
    fused = logic.fuse(mr, pet, output=grey, **OPTIONS)
    assert fused is not grey
    assert slicer.util.arrayFromVolume(grey).max() == 1
