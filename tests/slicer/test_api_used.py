"""The panel uses nothing that one of the supported releases of 3D Slicer does not have."""

from __future__ import annotations

from pathlib import Path

import pytest
from api.release import RELEASES, release
from api.scan import offences, python_files
from api.scan_ui import ui_offences, widgets_of

MODULE = Path(__file__).resolve().parents[2] / "MACTFusionSlicer"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(MODULE.rglob("*.ui"))}
WIDGETS = {name: kind for text in TEXTS.values() for name, kind in widgets_of(text).items()}

CODE = """
import qt, ctk, slicer, vtk
from slicer.util import VTKObservationMixin

def shown(node: slicer.vtkMRMLScalarVolumeNode | None) -> qt.QLabel:
    return qt.QLabel("text")

class Panel(VTKObservationMixin):
    def __init__(self, ui):
        self.ui = ui
        self._timer = qt.QTimer()

    def act(self, node: slicer.vtkMRMLVolumeNode, unknown):
        {line}
"""
RIGHT = (
    "self.ui.nameLabel.text = str(self._timer.isActive())",
    "self._timer.timeout.connect(self.act)",
    "self.ui.goButton.clicked.connect(lambda: self.ui.nameLabel.setText('a'))",
    "slicer.app.connect('startupCompleted()', self.act)",
    "node.GetDisplayNode().GetColorNode().GetName()",
    "slicer.mrmlScene.AddNewNodeByClass('vtkMRMLSliceNode').IsMappedInLayout()",
    "slicer.app.layoutManager().sliceWidget('Red').sliceLogic().FitSliceToBackground()",
    "[each.GetOrientation() for each in slicer.util.getNodesByClass('vtkMRMLSliceNode')]",
    "slicer.util.setSliceViewerLayers(background=node, fit=True)",
    "qt.QFileDialog.getSaveFileName(None, 'title', 'name', 'NRRD (*.nrrd)')",
    "item = qt.QListWidgetItem('a'); item.setCheckState(qt.Qt.Checked)",
    "unknown.GetImageData().GetPointData().GetScalars()",
    "unknown.whatever(1, key=2)",
    "slicer.vtkMRMLCrosshairNode.ShowBasic, vtk.vtkCommand.ModifiedEvent",
    "slicer.vtkMRMLNode.SafeDownCast(node)",
    "matrix = vtk.vtkMatrix4x4(); node.GetIJKToRASMatrix(matrix); matrix.GetElement(0, 3)",
    "path = slicer.util.tempDirectory(key='x'); self.addObserver(node, 'e', self.act)",
    "shown(node).wordWrap = True",
)
WRONG = {
    "self.ui.nameLabel.text()": "text of QLabel is a property, and cannot be called",
    "self.ui.nameLabel.setWrapping(1)": "QLabel has no setWrapping",
    "shown(node).wrap = True": "QLabel has no wrap",
    "self.ui.goButton.setText = 'a'": "setText of QPushButton is a method, and no property",
    "self.ui.missing.hide()": "the .ui file has no widget missing",
    "self.ui.goButton.text.connect(self.act)": "text is a property, and no signal",
    "self.ui.goButton.connect('pushed()', self.act)": "QPushButton has no signal pushed()",
    "slicer.app.connect('startupCompleted(int)', self.act)": "has no signal startupCompleted(int)",
    "self.ui.selector.setNoneEnabled(True)": "qMRMLNodeComboBox has no setNoneEnabled",
    "self.ui.goButton.setText(text='a')": "setText of QPushButton takes no names of arguments",
    "self._timer.start(1, 2, 3)": "start of QTimer does not take 3 arguments but 0,1",
    "node.GetFoo()": "vtkMRMLVolumeNode has no GetFoo",
    "node.SetName('a', 'b')": "SetName of vtkMRMLVolumeNode does not take 2 arguments but 1",
    "unknown.GetFrobnicator()": "no class has a method GetFrobnicator",
    "qt.QLabel(1, 2, 3, 4)": "QLabel is not made of 4 arguments",
    "qt.Qt.Crossed": "Qt has no Crossed",
    "slicer.vtkMRMLCrosshairNode.ShowBasics": "vtkMRMLCrosshairNode has no ShowBasics",
    "slicer.vtkMRMLNothing()": "slicer has no vtkMRMLNothing",
    "ctk.ctkNothing()": "ctk has no ctkNothing",
    "vtk.vtkNothing()": "vtk has no vtkNothing",
    "slicer.util.nothing()": "slicer.util has no nothing",
    "slicer.util.setSliceViewerLayers(1, fitting=True)": "setSliceViewerLayers takes: background=",
    "from slicer.util import nothing": "slicer.util has no nothing",
    "import slicer.nothing": "there is no module slicer.nothing",
    "slicer.app.layoutManager().sliceWidget('Red').sliceLogic().Fit()": "SliceLogic has no Fit",
    "self.ui.selector.nodeCount = 3": "nodeCount of qMRMLNodeComboBox is a",
}
NAMES = {"nameLabel": "QLabel", "goButton": "QPushButton", "selector": "qMRMLNodeComboBox"}
NEW = "node.GetDisplayNode().GetInvertDisplayScalarRange()"  # from 5.10 on
UI = """<ui><widget class="qMRMLWidget" name="top">
<widget class="QLabel" name="first"><property name="{prop}"><string>a</string></property>
<property name="own" stdset="0"><string>b</string></property></widget>
<widget class="{kind}" name="second"/></widget>
<connections><connection><sender>top</sender><signal>{signal}</signal>
<receiver>second</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>
"""
PARTS = {
    "prop": "text",
    "kind": "qMRMLNodeComboBox",
    "signal": "mrmlSceneChanged(vtkMRMLScene*)",
}


def found_in(line, name="5.12"):
    return offences([("file.py", CODE.format(line=line))], NAMES, release(name))


@pytest.mark.parametrize("name", RELEASES)
def test_the_panel_uses_only_what_each_release_has(name):
    assert offences(python_files(MODULE), WIDGETS, release(name)) == []


@pytest.mark.parametrize("name", RELEASES)
@pytest.mark.parametrize("file", TEXTS)
def test_the_ui_files_use_only_what_each_release_has(file, name):
    assert ui_offences(TEXTS[file], release(name)) == []


@pytest.mark.parametrize("line", RIGHT)
def test_what_is_there_is_no_offence(line):
    assert found_in(line) == []


@pytest.mark.parametrize("line", WRONG)
def test_what_is_not_there_is_an_offence(line):
    (found,) = found_in(line)
    assert found.startswith("file.py:14: ")
    assert WRONG[line] in found


@pytest.mark.parametrize(
    ("line", "is_guarded"),
    [
        (NEW, False),
        (f"if hasattr(node, 'GetInvertDisplayScalarRange'): {NEW}", True),
        (f"if not hasattr(node, 'GetInvertDisplayScalarRange'): return\n        {NEW}", True),
        (f"try:\n            {NEW}\n        except AttributeError:\n            pass", True),
        (f"try:\n            {NEW}\n        except ValueError:\n            pass", False),
        ("getattr(node.GetDisplayNode(), 'GetInvertDisplayScalarRange', bool)()", True),
        ("import slicer.packaging", False),
        ("try:\n            import slicer.packaging\n        except ImportError: pass", True),
        ("if hasattr(slicer, 'packaging'): slicer.packaging.pip_install('a')", True),
    ],
)
def test_what_a_release_lacks_must_be_guarded(line, is_guarded):
    assert (found_in(line, "5.8") == []) is is_guarded
    assert found_in(line, "5.12") == []


def test_ui_files_are_judged_by_class_property_signal_and_slot():
    made = release("5.12")
    assert ui_offences(UI.format(**PARTS), made) == []
    for part, wrong, said in (
        ("prop", "texts", "first: QLabel has no property texts"),
        ("prop", "hasSelectedText", "first: hasSelectedText of QLabel cannot be written"),
        ("kind", "qMRMLNoComboBox", "second: there is no class qMRMLNoComboBox"),
        ("signal", "sceneChanged()", "top: qMRMLWidget has no signal sceneChanged()"),
    ):
        assert said in ui_offences(UI.format(**{**PARTS, part: wrong}), made)
