"""Paths that are typed, chosen and emptied; and the worker that they belong to."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import qt
import slicer
from MACTFusionLib.panel.path_edits import PathChoice
from PySide6 import QtTest
from waiting import until

pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture
def edit(panel):
    """The edit of the other Python, in a window that has the focus."""
    panel.parent.show()
    panel.parent.activateWindow()
    panel.ui.advancedSection.collapsed = False
    line = panel.ui.pythonEdit.comboBox().lineEdit()
    line.setFocus()
    until(lambda: line.focus, slicer.app.processEvents)
    yield panel.ui.pythonEdit, line
    panel.parent.hide()


def test_typing_is_no_choice_until_it_is_finished(panel, edit, monkeypatch):
    path_edit, line = edit
    stopped = []
    monkeypatch.setattr(panel.logic.session, "stop", lambda *grace_s: stopped.append(grace_s))
    QtTest.QTest.keyClicks(line, "/opt/python")
    assert path_edit.currentPath == "/opt/python"
    assert stopped == []
    assert panel.logic.session.python == ""
    QtTest.QTest.keyClick(line, qt.Qt.Key_Return)
    assert panel.logic.session.python == "/opt/python"
    assert len(stopped) == 1
    QtTest.QTest.keyClick(line, qt.Qt.Key_Return)
    assert len(stopped) == 1  # the same path is no other choice
    line.selectAll()
    QtTest.QTest.keyClick(line, qt.Qt.Key_Delete)
    assert panel.logic.session.python == "/opt/python"
    panel.ui.checkButton.setFocus()  # whoever leaves an empty edit wants none
    assert panel.logic.session.python == ""
    assert len(stopped) == 2


def test_a_path_from_a_dialog_is_taken_at_once(panel, edit):
    path_edit, line = edit
    line.clearFocus()
    path_edit.currentPath = "/from/a/dialog"
    assert panel.logic.session.python == "/from/a/dialog"


def test_a_path_that_is_being_typed_counts_for_check(panel, edit, monkeypatch):
    _path_edit, line = edit
    monkeypatch.setattr(panel.logic.session, "converse", lambda *_: None)
    QtTest.QTest.keyClicks(line, "/half/typed")
    panel.machine.check()
    assert panel.logic.session.python == "/half/typed"


def test_what_the_scene_says_is_shown_and_not_told(panel):
    told = []
    choice = PathChoice(panel.ui.weightsEdit, told.append)
    choice.show("/of/the/scene.pt")
    assert panel.ui.weightsEdit.currentPath == "/of/the/scene.pt"
    assert told == []


def test_a_worker_elsewhere_is_chosen_when_the_command_is_whole(panel, monkeypatch):
    stopped, session, line = [], panel.logic.session, panel.ui.remoteEdit
    monkeypatch.setattr(session, "stop", lambda *grace_s: stopped.append(grace_s))
    QtTest.QTest.keyClicks(line, "ssh gpu python -m mactfusion.worker")
    assert (session.remote, stopped) == ("", [])
    assert not session.is_external
    QtTest.QTest.keyClick(line, qt.Qt.Key_Return)
    assert session.remote == "ssh gpu python -m mactfusion.worker"
    assert panel.runs.is_ready  # nothing of Slicer's own Python is needed
    line.text = ""
    panel.machine.take()
    assert session.remote == ""
    assert len(stopped) == 2


def test_while_a_fusion_runs_the_python_stays(panel, monkeypatch):
    monkeypatch.setattr(type(panel.logic), "is_running", True)
    panel.refresh()
    assert not panel.ui.pythonEdit.enabled
    assert not panel.ui.remoteEdit.enabled
    assert "would be ended" in panel.ui.pythonEdit.toolTip
