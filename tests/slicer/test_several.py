"""Several partners, thresholds, and folders without a window."""

from __future__ import annotations

import ast
import runpy
import struct
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib import folders
from MACTFusionLib.nodes.display import options_as_shown
from MACTFusionLib.nodes.grid import result_geometry
from MACTFusionLib.nodes.result import ATTRIBUTE
from MACTFusionLib.nodes.save import save_volume, suggested_name
from MACTFusionLib.nodes.volumes import VolumeError, geometry_of, voxels_of
from MACTFusionLib.parameters import Display, chosen_partner
from MACTFusionLib.self_test import SHAPE, add_volume, make_pair
from MACTFusionLib.worker import install

MODULE = Path(__file__).resolve().parents[2] / "MACTFusionSlicer"
OPTIONS = {"device": "cpu"}


def make_three():
    """An MR, a PET that is hot at index (0, 0), and a CT with bone at the far end of both axes."""
    mr, pet = make_pair()
    hounsfield = np.full(SHAPE, -1000, np.int16)
    hounsfield[-SHAPE[0] // 3 :, -SHAPE[1] // 3 :] = 120
    return mr, pet, add_volume("CT", hounsfield, geometry_of(mr).affine)


def test_each_partner_is_where_it_belongs(logic):
    mr, pet, ct = make_three()
    fused = logic.fuse(mr, [pet, ct], display="fixed", **OPTIONS)
    voxels = voxels_of(fused).astype(float)[:, :, SHAPE[2] // 2]
    hot, bone, neither = voxels[2, 2].sum(), voxels[-3, -3].sum(), voxels[-3, 2].sum()
    assert hot > 1.3 * neither, (hot, bone, neither)
    assert bone > 1.3 * neither, (hot, bone, neither)
    chroma = voxels.max(-1) - voxels.min(-1)
    assert chroma[: SHAPE[0] // 2, : SHAPE[1] // 2].max() > 20  # the flank of the uptake
    assert chroma[SHAPE[0] // 2 :, SHAPE[1] // 2 :].max() < 10  # CT is grey
    assert np.allclose(geometry_of(fused).affine, geometry_of(mr).affine)
    assert fused.GetName() == "MR + PET + CT fused"
    assert fused.GetAttribute(ATTRIBUTE + "Task") == "ct-mri + pet-mri"
    assert fused.GetAttribute(ATTRIBUTE + "Kind") == "MR-CT-PET"
    role = ATTRIBUTE + "Partner"
    found = [
        fused.GetNthNodeReference(role, i) for i in range(fused.GetNumberOfNodeReferences(role))
    ]
    assert found == [pet, ct]
    again = logic.fuse(mr, pet, output=fused, display="fixed", **OPTIONS)
    assert again is fused
    assert fused.GetNumberOfNodeReferences(role) == 1


def test_each_partner_has_the_window_and_colours_of_its_own_view(scene, logic):
    mr, pet, ct = make_three()
    for node, window, level in ((mr, 500, 250), (pet, 9000, 4500), (ct, 80, 40)):
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevel(window, level)
    pet.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeIron")
    options = options_as_shown(mr, [ct, pet])
    assert options["anatomical_window"] == [250, 500]
    assert options["window"] == [[40, 80], [4500, 9000]]
    assert options["colormap"][0] == "auto"
    assert len(options["colormap"][1]) == 256
    fused = logic.fuse(mr, [ct, pet], **OPTIONS)
    assert "256 colours" in fused.GetAttribute(ATTRIBUTE + "Options")


def test_preview_of_several_is_the_slice_of_the_fused_volume(logic):
    mr, pet, ct = make_three()
    options = logic.options_for(mr, [ct, pet], "as-shown", {**OPTIONS, "axis": "auto"})
    ended = []
    logic.start_preview(mr, [ct, pet], options, 2, 3, lambda *end: ended.append(end))
    logic.wait(lambda: bool(ended))
    (voxels, geometry, legends), error = ended[0]
    assert error is None
    assert {legend["input"]: bool(legend["png"]) for legend in legends} == {
        "partner 1": False,  # the CT is grey
        "partner 2": True,
    }
    assert geometry.shape == (*SHAPE[:2], 1)
    whole = voxels_of(logic.fuse(mr, [ct, pet], **OPTIONS, axis="auto"))
    assert np.array_equal(voxels[:, :, 0], whole[:, :, 3])


def test_status_names_each_partner_and_duplicates_are_refused(panel):
    mr, pet, ct = make_three()
    chosen = panel._parameters
    chosen.anatomical, chosen.partner = mr, pet
    panel.ui.thirdSelector.setCurrentNode(ct)
    assert chosen_partner(chosen) == [pet, ct]
    assert [line.partition(" covers")[0] for line in panel.ui.placeLabel.text.splitlines()] == [
        "– PET",
        "– CT",
    ]
    assert panel.ui.applyButton.enabled
    assert panel.logic.options_of(chosen)["task"] == ["pet-mri", "ct-mri"]
    chosen.fourth = pet
    assert "PET is chosen twice" in panel.ui.applyButton.toolTip
    assert not panel.ui.applyButton.enabled
    chosen.fourth = mr
    assert "same volume" in panel.ui.applyButton.toolTip
    chosen.fourth = None
    ct.SetName("Series 7")
    assert panel.ui.applyButton.enabled  # Hounsfield units say what it is
    slicer.util.updateVolumeFromArray(ct, np.zeros(SHAPE[::-1], np.int16))
    panel.refresh()
    assert "Series 7 is cannot be told" in panel.ui.applyButton.toolTip


def test_third_volume_comes_back_with_the_scene(panel, saved_and_opened):
    chosen = panel._parameters
    chosen.anatomical, chosen.partner, chosen.third = make_three()
    assert saved_and_opened().third.GetName() == "CT"


def test_ignored_threshold_is_said(panel):
    chosen = panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    display = chosen.partner.GetDisplayNode()
    assert "threshold" not in panel.ui.gridLabel.text
    display.SetApplyThreshold(True)
    panel._settled()
    assert "the threshold in the display of PET is ignored" in panel.ui.gridLabel.text
    chosen.display = Display.FIXED
    assert "threshold" not in panel.ui.gridLabel.text


def test_old_python_is_said_before_anything_is_installed(panel, monkeypatch):
    monkeypatch.setenv("MACTFUSION_PYTHON", "")
    monkeypatch.setattr(install, "_OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(install, "has_torch", lambda: True)
    monkeypatch.setattr(slicer.util, "pip_install", pytest.fail, raising=False)
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", pytest.fail)
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    panel.ui.applyButton.click()
    assert "name another Python under Advanced" in panel.ui.messageLabel.text
    assert not panel.logic.session.is_alive


def test_unforeseen_error_shows_where_it_came_from(panel):
    panel.runs._ended(None, ZeroDivisionError("no"))
    assert panel.ui.messageLabel.text == "no"
    assert "ZeroDivisionError" in panel.runs.message.details


def test_volume_without_voxels_is_one_sentence(panel):
    chosen = panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    empty.SetAndObserveImageData(vtk.vtkImageData())
    panel.ui.guessButton.click()
    chosen.third = empty
    panel._settled()
    assert "empty has no voxels" in panel.ui.applyButton.toolTip


def test_every_file_is_python_3_9():
    paths = [
        path for name in ("MACTFusionLib", "Scripts") for path in (MODULE / name).rglob("*.py")
    ]
    paths += MODULE.glob("*.py")
    assert len(paths) > 20
    for path in paths:
        assert ast.parse(path.read_text("utf-8"), str(path), feature_version=(3, 9)), path


def test_suggested_file_name_is_free_of_node_names(scene):
    mr, pet = make_pair()
    mr.SetName("DOE^JANE 1/2: T1")
    mr.SetAttribute(ATTRIBUTE + "Kind", "MR-PET")
    assert suggested_name(mr) == "fused-MR-PET.nrrd"
    assert suggested_name(pet) == "fused.nrrd"


@pytest.fixture
def patients(scene, tmp_path):
    """One folder that can be fused, and one that holds no MR."""
    mr, pet, ct = make_three()
    for name, nodes in (("a", (mr, pet, ct)), ("b", (pet,))):
        (tmp_path / "in" / name).mkdir(parents=True)
        for node in nodes:
            suffix = ".nii.gz" if node is pet else ".nrrd"
            save_volume(node, str(tmp_path / "in" / name / f"{node.GetName()}{suffix}"))
    expected = geometry_of(mr)
    scene.reset()
    return tmp_path / "in", tmp_path / "out", expected


def test_folders_are_fused_and_failures_are_said(patients, library, capsys, monkeypatch):
    source, target, expected = patients
    ended = []
    monkeypatch.setattr(slicer.util, "exit", ended.append, raising=False)
    script = str(MODULE / "Scripts" / "fuse_folder.py")
    monkeypatch.setattr(sys, "argv", [script, str(source), str(target), "--device", "cpu"])
    runpy.run_path(script, run_name="__main__")
    said = capsys.readouterr()
    assert ended == [1]  # the second folder
    assert "a.nrrd is ready" in said.out
    assert "b: one MR with one to three others is needed; found 0 and 1" in said.err
    assert [path.name for path in target.iterdir()] == ["a.nrrd"]
    fused = folders._load(target / "a.nrrd")
    assert geometry_of(fused).shape == expected.shape
    assert np.allclose(geometry_of(fused).affine, expected.affine, atol=1e-4)
    voxels = voxels_of(fused).astype(float)[:, :, SHAPE[2] // 2]
    assert voxels.shape == (*SHAPE[:2], 3)
    assert voxels[2, 2, 0] > 2 * voxels[-3, 2, 0]
    assert len(slicer.util.getNodesByClass("vtkMRMLVolumeNode")) == 1  # the one read back here
    assert folders.main([str(source), str(target), "--device", "cpu"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    again = [str(source), str(target), "--device", "cpu", "--grid", "isotropic", "--overwrite"]
    assert folders.main(again) == 1
    cubes = geometry_of(folders._load(target / "a.nrrd"))
    assert cubes.shape == result_geometry(expected, "isotropic").shape
    assert cubes.shape != expected.shape


def test_hidden_files_and_folders_are_passed_over(patients, monkeypatch, capsys):
    source, target, _expected = patients
    (source / "a" / "._MR.nrrd").write_bytes(b"\x00\x05\x16\x07 left by macOS")
    (source / ".Trashes").mkdir()
    fused = []

    class Logic:
        def fuse(self, anatomical, partners, register, check, on_news, **_options):
            fused.append([node.GetName() for node in (anatomical, *partners)])
            on_news({"reply": "warning", "sentence": f"register is {register}, check {check}."})

        def save(self, _node, _path):
            pass

        def stop(self):
            pass

    monkeypatch.setattr(folders, "MACTFusionLogic", Logic)
    asked = [str(source), str(target), "--register", "rigid", "--no-check"]
    assert folders.main(asked) == 1  # the second folder, which holds no MR
    assert fused == [["MR", "CT", "PET"]]
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert first == "a: register is rigid, check False."
    assert second.startswith("b: ")


def write_pair(node, header, magic):
    """Write a volume as a header and its voxels; without a magic it is an Analyze image."""
    whole = header.with_suffix(".nii")
    save_volume(node, str(whole))
    content = whole.read_bytes()
    whole.unlink()
    start = int(struct.unpack("<f", content[108:112])[0])
    header.write_bytes(content[:108] + bytes(4) + content[112:344] + magic + b"\0")
    header.with_suffix(".img").write_bytes(content[start:])


def test_a_pair_of_files_is_one_volume_at_its_place(scene, tmp_path):
    mr, _pet = make_pair()
    voxels, affine = voxels_of(mr).copy(), geometry_of(mr).affine
    write_pair(mr, tmp_path / "MR.hdr", b"ni1")
    (path,) = folders._volumes(tmp_path)
    again = folders._load(path)
    assert again.GetName() == "MR"
    assert np.array_equal(voxels_of(again), voxels)
    assert np.allclose(geometry_of(again).affine, affine, atol=1e-4)


def test_an_analyze_image_is_refused(scene, tmp_path):
    write_pair(make_pair()[0], tmp_path / "MR.hdr", bytes(3))
    with pytest.raises(VolumeError, match=r"MR.hdr is an Analyze image"):
        folders._load(tmp_path / "MR.hdr")


def test_no_folder_is_one_sentence(scene, tmp_path, capsys):
    assert folders.main([str(tmp_path / "none"), str(tmp_path / "out")]) == 1
    assert "is no folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
