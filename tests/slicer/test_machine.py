"""Device, model and weights in the panel, and the three lines of the Python console."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import slicer
from MACTFusionLib.nodes.result import ATTRIBUTE
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.self_test import SHAPE, add_volume, make_pair
from MACTFusionLib.summary import device_note, device_title
from waiting import wait

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "user_guide.md"
CPU = {"name": "cpu", "title": "x86_64", "free_bytes": 3 * 2**29, "total_bytes": 2**32}
GPU = {"name": "cuda:0", "title": "Card 9000", "free_bytes": 5 * 2**30, "total_bytes": 2**33}


def texts(combo):
    return [combo.itemText(index) for index in range(combo.count)]


def test_a_device_has_its_name_and_free_memory_and_the_cpu_is_said_plainly():
    assert device_title(GPU) == "Card 9000 · 5.0 GB free"
    assert device_title(CPU) == "CPU · 1.5 GB free"
    assert device_title({**GPU, "free_bytes": None}) == "Card 9000"
    assert device_note("auto", [GPU, CPU]) == "Runs on Card 9000."
    slow = "Runs on the CPU."
    assert device_note("cpu", [GPU, CPU]) == slow
    assert device_note("auto", [CPU]) == slow
    assert device_note("auto", []) == ""


def test_check_says_what_answers_and_fills_the_lists(warm_panel):
    ui = warm_panel.ui
    ui.checkButton.click()
    wait(warm_panel, lambda: "answers" in ui.messageLabel.text)
    assert re.fullmatch(
        r"The library mactfusion \S+ answers\. Devices: .*CPU · \d+\.\d GB free\.",
        ui.messageLabel.text,
    )
    assert texts(ui.deviceComboBox)[0] == "Automatic"
    assert texts(ui.deviceComboBox)[-1].startswith("CPU · ")
    assert ui.deviceComboBox.currentData == "cpu"  # what the fixture chose
    assert ui.deviceLabel.text == "Runs on the CPU."
    assert texts(ui.modelComboBox)[:2] == ["Standard (pixel_weights)", "mactfusion"]


def test_another_model_is_used_and_recorded_and_weights_are_checked(warm_panel, tmp_path):
    ui, chosen = warm_panel.ui, warm_panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    ui.checkButton.click()
    wait(warm_panel, lambda: "answers" in ui.messageLabel.text)
    ui.modelComboBox.currentIndex = texts(ui.modelComboBox).index("mactfusion")
    ui.applyButton.click()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    fused = warm_panel.runs.fused
    assert fused.GetAttribute(ATTRIBUTE + "Model") == "mactfusion"
    assert fused.GetAttribute(ATTRIBUTE + "Weights") == "mactfusion.pt"
    assert '"torch"' in fused.GetAttribute(ATTRIBUTE + "Versions")
    damaged = tmp_path / "weights.pt"
    damaged.write_bytes(b"no weights")
    ui.weightsEdit.currentPath = str(damaged)
    ui.applyButton.click()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    assert "weights.pt" in ui.messageLabel.text
    assert "\n" not in ui.messageLabel.text
    assert warm_panel.runs.fused is fused


def test_three_lines_of_the_guide_fuse_and_save(logic, monkeypatch, tmp_path):
    mr, pet = make_pair()
    add_volume("CT", voxels_of(mr) - 1000, geometry_of(mr).affine)
    (lines,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(lines.splitlines()) == 3
    monkeypatch.chdir(tmp_path)
    slicer.mrmlScene.SetRootDirectory(str(tmp_path / "of_a_scene_opened_before"))
    monkeypatch.setattr(slicer.util, "getModuleLogic", {"MACTFusion": logic}.get, raising=False)
    console = {"slicer": slicer, "getNode": slicer.util.getNode}
    exec(lines, console)
    assert console["fused"].GetName() == "MR + CT + PET fused"
    assert geometry_of(console["fused"]).shape == SHAPE
    assert (tmp_path / "fused.nrrd").is_file()
    assert pet.GetName() == "PET"
