"""The panel's own behaviour: choices, sentences, buttons, events. No worker is started."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import ctk
import numpy as np
import qt
import slicer
from MACTFusionLib import summary
from MACTFusionLib.parameters import Axis, Display, Grid, Precision, Register, Task, Tint
from MACTFusionLib.self_test import add_volume, make_pair
from MACTFusionLib.worker import install

CONTROLS = (
    *(qt.QPushButton, qt.QComboBox, qt.QCheckBox, qt.QSpinBox, qt.QListWidget),
    *(ctk.ctkCollapsibleButton, ctk.ctkSliderWidget, ctk.ctkPathLineEdit, slicer.qMRMLNodeComboBox),
)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """A Python that is not there: whoever starts a worker here fails."""
    monkeypatch.setenv("MACTFUSION_PYTHON", "")
    monkeypatch.setattr(install, "has_torch", lambda: False)


def test_apply_says_why_it_is_disabled(panel):
    ui = panel.ui
    assert not ui.applyButton.enabled
    assert "Load two volumes" in ui.applyButton.toolTip
    mr, pet = make_pair()
    chosen = panel._parameters
    chosen.anatomical = mr
    assert "Choose the partner" in ui.applyButton.toolTip
    chosen.partner = mr
    assert "same volume" in ui.applyButton.toolTip
    chosen.partner = pet
    assert ui.applyButton.enabled
    chosen.output = pet
    assert "never changed" in ui.applyButton.toolTip
    assert not ui.applyButton.enabled


def test_status_says_what_will_happen(panel):
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    assert panel.ui.gridLabel.text == "Result on the grid of MR: 24×20×6 voxels of 2×2×5\u00a0mm."


def test_unknown_partner_needs_a_task(panel):
    mr, pet = make_pair()
    pet.SetName("Series 7")
    panel._parameters.anatomical, panel._parameters.partner = mr, pet
    assert "choose the task" in panel.ui.applyButton.toolTip
    panel.ui.taskComboBox.currentIndex = list(Task).index(Task.PET)
    assert panel.ui.applyButton.enabled


def test_opening_guesses_who_is_who(panel):
    pet, mr = reversed(make_pair())
    panel._settled()
    panel.ui.guessButton.click()
    assert panel._parameters.anatomical is mr
    assert panel._parameters.partner is pet
    panel.ui.swapButton.click()
    assert panel._parameters.anatomical is pet
    assert panel.ui.anatomicalSelector.currentNode() is pet


def test_missing_torch_is_said_and_nothing_is_installed(panel, monkeypatch):
    monkeypatch.setattr(slicer.util, "pip_install", pytest.fail, raising=False)
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    panel.ui.applyButton.click()
    assert "extension PyTorch" in panel.ui.messageLabel.text
    assert panel.ui.applyButton.enabled


def test_the_libraries_are_installed_again_after_a_question(panel, monkeypatch):
    ui, answers, asked, installed = panel.ui, [False, True], [], []
    monkeypatch.setattr(install, "has_torch", lambda: True)
    monkeypatch.setattr(
        slicer.util, "confirmYesNoDisplay", lambda text, *a: asked.append(text) or answers.pop(0)
    )
    monkeypatch.setattr(slicer.util, "pip_install", installed.append, raising=False)
    monkeypatch.setattr(install, "is_in_use", lambda name: False)
    assert not ui.reinstallButton.isHidden()
    assert ui.versionsLabel.text.startswith("MACTFusion ")
    ui.reinstallButton.click()
    assert "once more" in asked[0]
    assert ui.messageLabel.text == "Nothing was installed."
    assert not installed
    ui.reinstallButton.click()
    assert installed[0][:2] == ["--force-reinstall", "--no-deps"]
    assert ui.messageLabel.text == "The libraries are installed anew."


def test_a_python_of_ones_own_is_not_installed_into(panel, monkeypatch):
    monkeypatch.setenv("MACTFUSION_PYTHON", "/somewhere/python")
    panel.refresh()
    assert not panel.ui.reinstallButton.enabled
    assert "Python of its own" in panel.ui.reinstallButton.toolTip


def test_installation_asks_and_pins_what_slicer_brings(panel, monkeypatch, tmp_path):
    asked, installed = [], []
    monkeypatch.setattr(install, "has_torch", lambda: True)
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda *a, **k: asked.append(a) or True)

    def pip(arguments):
        constraints = arguments[arguments.index("-c") + 1]
        installed.append((arguments, Path(constraints).read_text()))
        raise RuntimeError("no network")

    monkeypatch.setattr(slicer.util, "pip_install", pip)
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    panel.ui.wheelsEdit.currentPath = str(tmp_path)
    panel.ui.applyButton.click()
    assert "MB" in asked[0][0]
    assert "monai" in asked[0][0]
    arguments, constraints = installed[0]
    assert f"numpy=={np.__version__}" in constraints
    assert arguments[:3] == ["--no-index", "--find-links", str(tmp_path)]
    assert not [a for a in arguments if a.lower().startswith(("torch", "numpy", "simpleitk"))]
    assert "could not be installed" in panel.ui.messageLabel.text
    assert not panel.ui.detailsButton.isHidden()
    panel.ui.applyButton.click()
    assert len(installed) == 2


def test_choices_come_back_with_a_saved_scene(panel, saved_and_opened):
    chosen = panel._parameters
    mr, pet = make_pair()
    chosen.anatomical, chosen.partner = mr, pet
    ui = panel.ui
    ui.axisComboBox.currentIndex = list(Axis).index(Axis.CORONAL)
    ui.gridComboBox.currentIndex = list(Grid).index(Grid.ISOTROPIC)
    ui.displayComboBox.currentIndex = list(Display).index(Display.FIXED)
    ui.tintComboBox.currentIndex = list(Tint).index(Tint.CT)
    ui.precisionComboBox.currentIndex = list(Precision).index(Precision.BFLOAT16)
    ui.batchSizeSpinBox.value = 3
    ui.luminanceCheckBox.checked = True
    ui.lostCheckBox.checked = False
    ui.registerComboBox.currentIndex = list(Register).index(Register.AFFINE)
    ui.acceptDoubtfulCheckBox.checked = True
    ui.previewCheckBox.checked = False
    ui.blendSlider.value = 0.25
    chosen.device, chosen.model, chosen.weights = "cuda:0", "other", "w.pt"
    ids = mr.GetName(), pet.GetName()
    back = saved_and_opened()
    assert (back.anatomical.GetName(), back.partner.GetName()) == ids
    assert (back.axis, back.display) == (Axis.CORONAL, Display.FIXED)
    assert back.grid is Grid.ISOTROPIC
    assert back.tint is Tint.CT
    assert (back.precision, back.batchSize) == (Precision.BFLOAT16, 3)
    assert back.luminance
    assert not back.check
    assert (back.register, back.acceptDoubtful) == (Register.AFFINE, True)
    assert not back.livePreview
    assert back.blend == 0.25
    assert (back.device, back.model, back.weights) == ("cuda:0", "other", "w.pt")
    assert ui.axisComboBox.currentIndex == list(Axis).index(Axis.CORONAL)
    assert ui.deviceComboBox.currentText == "cuda:0"
    assert ui.modelComboBox.currentData == "other"


def test_the_interpreter_is_not_in_the_scene(panel, scene, tmp_path):
    panel.ui.pythonEdit.currentPath = "/somewhere/python"
    path = tmp_path / "scene.mrml"
    scene.scene.SetURL(str(path))
    scene.scene.Commit(str(path))
    assert "somewhere" not in path.read_text()
    assert panel.logic.session.python == "/somewhere/python"


def test_closing_the_scene_leaves_an_empty_panel(panel, scene):
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    scene.scene.Clear(False)
    assert panel._parameters is not None
    assert panel._parameters.anatomical is None
    assert not panel.ui.applyButton.enabled


def test_removing_a_volume_disables_apply(panel, scene):
    mr, pet = make_pair()
    panel._parameters.anatomical, panel._parameters.partner = mr, pet
    scene.scene.RemoveNode(pet)
    panel._settled()
    assert not panel.ui.applyButton.enabled


def test_pairs_are_found_by_study_kind_and_overlap(panel):
    mr, pet = make_pair()
    far = np.diag([2.0, 2.0, 5.0, 1.0])
    far[0, 3] = 5000
    add_volume("CT far", np.zeros((8, 8, 4), np.int16), far)
    panel.ui.findPairsButton.click()
    assert panel.batch.pairs == [(mr, pet)]
    assert panel.ui.pairList.count == 1
    assert panel.ui.batchButton.enabled


def test_every_control_has_a_name_and_a_tooltip(panel):
    named = {n: w for n, w in vars(panel.ui).items() if not n.startswith("qt_")}
    controls = {name: widget for name, widget in named.items() if isinstance(widget, CONTROLS)}
    assert len(controls) > 30
    for name, widget in controls.items():
        assert widget.property("accessibleName"), name
        assert widget.property("toolTip"), name


def test_panel_fits_a_small_screen(panel):
    assert panel.parent.minimumSizeHint().width() <= 480


def test_cleanup_leaves_no_observers(panel, scene):
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    panel._settled()
    panel.cleanup()
    assert panel.Observations == []
    assert panel.watch.Observations == []


def test_entry_is_what_slicer_looks_for_and_imports_no_library(scene):
    import MACTFusion
    from standins.application import MODULE

    parent = SimpleNamespace(path=str(MODULE))
    module = MACTFusion.MACTFusion(parent)
    assert parent.title == "MACTFusion"
    assert parent.categories == ["Nuclear Medicine", "Neuroimaging"]
    assert "Not a medical device" in parent.helpText
    assert module is not None
    assert not {"torch", "monai", "mactfusion"} & set(sys.modules)


def test_every_text_can_be_translated():
    """A text of several words goes through ``_()``, unless nobody reads it in the panel."""
    from standins.application import MODULE

    unread = ("<", "MACTFusion: ", "MACTFusion preview", "^(?P", "NRRD (*.nrrd)", "</", "\\b(")
    own_names = ("MR head (synthetic)", "CT head (synthetic)", "PET head (synthetic)")
    own_names += ("MACTFusion synthetic head", "Hounsfield unit")
    own_names += ("Standardized Uptake Value body weight", "hand over", "take over")
    own_names += ("no array of numbers in C order",)
    verdicts = (summary.IN_PLACE, summary.DOUBTFUL, summary.NO_MATCH, summary.NOT_CHECKED)
    bare = []
    for path in (MODULE.parent / "MACTFusionLib").rglob("*.py"):
        if path.stem.startswith(("self_test", "made_")):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        fine = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "_":
                fine |= {id(node) for node in ast.walk(call)}
        bare += [
            (path.name, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and " " in node.value.strip()
            and id(node) not in fine
            and not node.value.startswith(unread)
            and '"><' not in node.value
            and node.value not in (*own_names, *verdicts)
        ]
    assert bare == []


def test_cmake_lists_every_file_and_none_that_is_gone():
    from standins.application import MODULE

    folder = MODULE.parent
    text = (folder / "CMakeLists.txt").read_text()
    listed = re.findall(r"^  (MACTFusionLib/\S+|Scripts/\S+)$", text, re.MULTILINE)
    files = [
        path for name in ("MACTFusionLib", "Scripts") for path in (folder / name).rglob("*.py")
    ]
    assert sorted(listed) == sorted(path.relative_to(folder).as_posix() for path in files)


def test_folders_are_imported_one_way():
    """Nodes know of nothing else, the worker of nodes, views of both; the panel joins them."""
    from standins.application import MODULE

    may = {"nodes": {"nodes"}, "worker": {"nodes", "worker"}, "views": {"nodes", "worker", "views"}}
    for name, allowed in may.items():
        for path in (MODULE.parent / "MACTFusionLib" / name).glob("*.py"):
            used = set(re.findall(r"^from \.\.(\w+)", path.read_text("utf-8"), re.MULTILINE))
            assert used <= allowed, path.name
