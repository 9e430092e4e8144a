"""The stand-ins refuse, to the panel's code, what Slicer does not have, and signal as it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import ctk
import qt
import slicer
from api.release import RELEASES
from MACTFusionLib.self_test import make_pair

PANEL = Path(__file__).resolve().parents[2] / "MACTFusionSlicer" / "probe.py"


def as_panel(line, **names):
    """Run a line as code of the panel; returns what it calls ``found``."""
    names.update(qt=qt, ctk=ctk, slicer=slicer)
    exec(compile(line, str(PANEL), "exec"), names)
    return names.get("found")


def test_properties_are_attributes_and_no_methods(scene):
    label = qt.QLabel("a")
    assert as_panel("label.text = 'b'; found = label.text", label=label) == "b"
    with pytest.raises(TypeError):
        as_panel("label.text()", label=label)
    with pytest.raises(AttributeError, match="cannot be written"):
        as_panel("label.hasSelectedText = True", label=label)


@pytest.mark.parametrize(
    "line",
    [
        "qt.QLabel('a').nothing",
        "qt.QLabel('a').staticMetaObject",
        "qt.QLabel('a').mine = 3",
        "qt.QTimer().setText('a')",
        "qt.QNothing",
        "ctk.ctkNothing",
        "slicer.qMRMLNodeComboBox().currentIndex",
        "slicer.qMRMLNodeComboBox().setNoneEnabled(True)",
        "slicer.app.nothing()",
        "slicer.app.layoutManager().sliceNames()",
        "slicer.app.layoutManager().sliceWidget('Red').sliceView().renderWindows()",
    ],
)
def test_what_is_not_listed_is_refused(line, scene):
    with pytest.raises(AttributeError):
        as_panel(line)


def test_a_class_of_the_panel_may_have_names_of_its_own(scene):
    found = as_panel(
        "class Own(qt.QDialog):\n"
        "    def __init__(self):\n        super().__init__()\n        self.mine = 3\n"
        "    def twice(self):\n        return 2 * self.mine\n"
        "found = Own().twice()"
    )
    assert found == 6


def test_signals_give_a_slot_as_many_arguments_as_it_takes(scene):
    box, told = qt.QCheckBox("a"), []
    lines = (
        "box.toggled.connect(lambda: told.append(()))\n"
        "box.connect('toggled(bool)', lambda is_on: told.append(is_on))\n"
        "act = lambda *all: told.append(all)\n"
        "box.connect('clicked()', act)\n"
        "box.click()\n"
        "box.disconnect('clicked()', act)\n"
        "box.click()\n"
    )
    as_panel(lines, box=box, told=told)
    assert told == [(), True, (), (), False]


def test_a_dialog_returns_the_text_alone(monkeypatch):
    from PySide6.QtWidgets import QFileDialog

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("a.nrrd", "NRRD"))
    assert as_panel("found = qt.QFileDialog.getSaveFileName(None, 'a', 'b')") == "a.nrrd"


def test_a_path_edit_tells_acceptable_text_only_and_with_every_key(scene, monkeypatch):
    edit, told, valid = ctk.ctkPathLineEdit(), [], []
    edit.currentPathChanged.connect(told.append)
    edit.validInputChanged.connect(valid.append)
    for text in ("/", "/a", ""):
        edit.currentPath = text
    assert told == ["/", "/a"]
    assert valid == [True, False]
    edit.nameFilters = ["Weights (*.pt)"]
    edit.currentPath = "a.pth"
    edit.currentPath = "a.pt"
    assert told[2:] == ["a.pt"]
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: "b.pt")
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: "folder.pt")
    edit.browse()
    edit._filters = {"Dirs"}
    edit.browse()
    assert told[3:] == ["b.pt", "folder.pt"]


class TestNodeSelector:
    @pytest.fixture
    def selector(self, scene):
        selector = slicer.qMRMLNodeComboBox()
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"]
        selector.noneEnabled = True
        selector.setMRMLScene(slicer.mrmlScene)
        return selector

    def test_it_has_no_scene_at_first(self, scene):
        selector = slicer.qMRMLNodeComboBox()
        assert not selector.enabled
        selector.setMRMLScene(slicer.mrmlScene)
        assert selector.enabled

    def test_it_follows_the_scene(self, selector):
        told = []
        selector.currentNodeChanged.connect(told.append)
        mr, pet = make_pair()
        selector.setCurrentNode(mr)
        selector.setCurrentNode(mr)
        assert told == [mr]
        assert selector.nodeCount() == 2
        slicer.mrmlScene.RemoveNode(mr)
        assert told == [mr, None]
        pet.SetHideFromEditors(True)
        selector.setCurrentNode(pet)
        assert selector.currentNode() is None

    def test_it_makes_a_node_of_each_of_its_classes(self, selector):
        rows = [selector._combo.itemText(row) for row in range(selector._combo.count())]
        title = slicer.mrmlScene.GetTypeDisplayNameByClassName
        names = [f"Create new {title(kind)}" for kind in selector.nodeTypes]
        assert [row for row in rows if row.startswith("Create")] == names
        made = []
        selector.nodeAddedByUser.connect(made.append)
        selector._combo.activated.emit(rows.index(names[1]))
        node = selector.currentNode()
        assert made == [node]
        assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
        assert selector.addNode().GetClassName() == "vtkMRMLScalarVolumeNode"

    def test_it_waits_for_a_batch(self, selector):
        slicer.mrmlScene.StartState(slicer.mrmlScene.BatchProcessState)
        make_pair()
        assert selector.nodeCount() == 0
        slicer.mrmlScene.EndState(slicer.mrmlScene.BatchProcessState)
        assert selector.nodeCount() == 2

    def test_children_of_a_class_are_shown_where_it_says_so(self, selector):
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
        assert selector.nodeCount() == 1
        selector.showChildNodeTypes = False
        assert selector.nodeCount() == 0


def test_the_release_can_be_chosen(monkeypatch):
    from standins import strict

    assert strict.RELEASE.name in RELEASES
    assert re.fullmatch(r"5\.\d+", strict.RELEASE.name)
