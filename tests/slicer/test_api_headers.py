"""The lists of what a release offers: how headers, wrappers, stubs and Python files are read."""

from __future__ import annotations

import ast
import json

import pytest
from api.headers import arity_of, classes_in
from api.make_lists import main
from api.python_files import module_facts, signature_of, stub_classes
from api.release import RELEASES, Release, release
from api.vtk_macros import methods_of_macro
from api.wrappers import added_by

WIDGET = """
#ifndef panelWidget_h
class panelOther; // class panelComment : public QWidget {
/* class panelCommented : public QWidget { public: void never(); }; */
class PANEL_EXPORT panelWidget : public QFrame, protected panelHelper
{
  Q_OBJECT
  Q_ENUMS(Mode)
  Q_PROPERTY(QString text READ text WRITE setText NOTIFY textChanged)
  Q_PROPERTY(QList<int> sizes READ sizes)
  Q_PROPERTY(Qt::Alignment place MEMBER m_place)
public:
  typedef QFrame Superclass;
  enum Mode { Fast = 0, Exact, None };
  enum class Unknown { Hidden };
  explicit panelWidget(QWidget* parent = nullptr);
  panelWidget(const QString& text, QWidget* parent = 0) : QFrame(parent), m_text(text) { init(); }
  ~panelWidget() override;
  QString text() const;
  Q_INVOKABLE virtual panelOther* other(int index, const QMap<int, QString>& names = {}) const = 0;
  Q_INVOKABLE static int count(void) { return 3; }
  template <typename T> void templated(T value);
  bool operator==(const panelWidget& other) const;
public slots:
  void setText(const QString& text);
  void clear() { if (m_text.size()) { m_text = ";"; } }
signals:
  void textChanged(const QString& text = QString());
  void moved(int x, int y);
protected Q_SLOTS:
  void hidden();
private:
  Q_INVOKABLE void secret();
  QString m_text = "}";
};
#endif
"""
NODE = """
class VTK_MRML_EXPORT vtkMRMLPanelNode : public vtkMRMLNode
{
public:
  static vtkMRMLPanelNode* New();
  vtkTypeMacro(vtkMRMLPanelNode, vtkMRMLNode);
  enum
  {
    ReadyEvent = 20000, ///< is ready
    GoneEvent
  };
  vtkGetMacro(Level, double);
  vtkSetClampMacro(Level, double, 0., 1.);
  vtkBooleanMacro(Shown, bool)
  vtkGetObjectMacro(Table, vtkMRMLColorNode);
  virtual void GetRange(double range[2]);
  double* GetRange() VTK_SIZEHINT(2);
  [[deprecated("no longer")]] void Old(const char* name, int index = -1);
  void Attributes(const std::map<int, int>& all);
#ifdef Q_QDOC
  void Documented();
#else
  void Compiled();
#endif
protected:
  vtkSetMacro(Inner, int);
};
"""
WRAPPERS = """
class PythonQtWrapper_QThing : public QObject
{ Q_OBJECT
public:
Q_ENUMS(Way )
enum Way{
  Up = QThing::Up,   Down = QThing::Down};
public slots:
QThing* new_QThing(QWidget*  parent = nullptr);
void delete_QThing(QThing* obj) { delete obj; }
   bool  py_q_event(QThing* theWrappedObject, QEvent* event){ return true; }
   int  size(QThing* theWrappedObject) const;
   void setSize(QThing* theWrappedObject, int  width, int  height = 0);
   QString  static_QThing_ask(const QString&  text, int*  chosen = nullptr);
};
class panelPythonQtDecorators : public QObject
{
  Q_OBJECT
public Q_SLOTS:
  vtkMRMLNode* node(panelOther* other, const QString& id) { return other->node(id); }
};
"""


def ranges(members):
    return {kind: {n: v for n, v in names.items() if n} for kind, names in members.items()}


def test_a_widget_has_what_its_meta_object_has():
    classes = classes_in(WIDGET)
    assert set(classes) == {"panelWidget"}
    widget = classes["panelWidget"]
    assert widget.bases == ["QFrame"]
    members = ranges(widget.members)
    assert members["property"] == {"text": "rw", "sizes": "r", "place": "rw"}
    assert members["slot"] == {"setText": [(1, 1)], "clear": [(0, 0)]}
    assert members["signal"] == {"textChanged": [(0, 1)], "moved": [(2, 2)]}
    assert members["invokable"] == {"other": [(1, 2)], "count": [(0, 0)]}
    assert members["method"] == {"text": [(0, 0)]}
    assert widget.members["constructor"][""] == [(0, 1), (1, 2)]
    assert widget.meta_enums == {"Mode"}
    assert widget.enums["Mode"] == ["Fast", "Exact", "None_"]
    assert widget.returns["other"] == "panelOther"


def test_a_node_has_its_public_methods_and_those_of_macros():
    node = classes_in(NODE)["vtkMRMLPanelNode"]
    assert node.members["method"] == {
        **dict(_one(name, arity) for name, arity in methods_of_macro("vtkTypeMacro", ["x"])),
        "GetLevel": [(0, 0)],
        "SetLevel": [(1, 1)],
        "GetLevelMinValue": [(0, 0)],
        "GetLevelMaxValue": [(0, 0)],
        "ShownOn": [(0, 0)],
        "ShownOff": [(0, 0)],
        "GetTable": [(0, 0)],
        "GetRange": [(1, 1), (0, 0)],
        "Old": [(1, 2)],
        "Compiled": [(0, 0)],
    }
    assert node.enums == {"": ["ReadyEvent", "GoneEvent"]}
    assert node.returns == {"GetTable": "vtkMRMLColorNode"}


def _one(name, arity):
    return name, [arity]


@pytest.mark.parametrize(
    ("macro", "arguments", "methods"),
    [
        ("vtkSetVector3Macro", ["Color", "double"], [("SetColor", (1, 1)), ("SetColor", (3, 3))]),
        ("vtkGetVector3Macro", ["Color", "double"], [("GetColor", (0, 1)), ("GetColor", (3, 3))]),
        ("vtkGetStringMacro", ["Name"], [("GetName", (0, 0))]),
        ("vtkSetStdStringFromCharMacro", ["Name"], [("SetName", (1, 1))]),
        ("vtkMRMLCopyContentMacro", ["vtkMRMLPanelNode"], [("CopyContent", (1, 2))]),
        ("vtkErrorMacro", ['"text"'], []),
        ("vtkTypeMacro", [], []),
    ],
)
def test_macros_stand_for_methods(macro, arguments, methods):
    assert methods_of_macro(macro, arguments) == methods


@pytest.mark.parametrize(
    ("arguments", "arity"),
    [
        ("", (0, 0)),
        ("void", (0, 0)),
        ("int a, int b = f(1, 2)", (1, 2)),
        ("QMap<int, int> a = QMap<int, int>()", (0, 1)),
        ("bool a = b >= c", (0, 1)),
        ("const char* format, ...", (1, None)),
    ],
)
def test_arguments_are_counted(arguments, arity):
    assert arity_of(arguments) == arity


def test_wrappers_add_methods_to_what_they_wrap():
    added = added_by(WRAPPERS)
    assert set(added) == {"QThing", "panelOther"}
    thing = added["QThing"]
    assert thing.members == {
        "constructor": {"": [(0, 1)]},
        "method": {"size": [(0, 0)], "setSize": [(1, 2)]},
        "static": {"ask": [(1, 2)]},
    }
    assert thing.enums == {"Way": ["Up", "Down"]}
    assert added["panelOther"].members == {"method": {"node": [(1, 1)]}}


def test_stubs_and_python_files_are_read():
    stubs = stub_classes(
        "class vtkThing(vtkmodules.vtkCommonCore.vtkObject):\n"
        "    UP:int\n    color:'getset_descriptor'\n"
        "    def SetSize(self, w:int, h:int) -> None: ...\n"
        "    @staticmethod\n    def Make(name:str='') -> 'vtkThing': ...\n"
    )
    assert stubs["vtkThing"].bases == ["vtkObject"]
    assert stubs["vtkThing"].members == {
        "method": {"SetSize": [(2, 2)]},
        "static": {"Make": [(0, 1)]},
    }
    assert stubs["vtkThing"].enums == {"": ["UP"]}
    facts = module_facts(
        "import os\nSIZE = 3\nclass A(b.C):\n  def f(self, x, y=1): pass\n"
        "def g(a, b=2, *rest, c, d=1, **more): pass\n"
        "try:\n  from x import *\nexcept ImportError:\n  pass\n"
    )
    assert facts["functions"] == {"g": "a b= * c d= **"}
    assert facts["classes"] == {"A": {"bases": ["C"], "methods": {"f": "x y="}}}
    assert facts["names"] == ["SIZE", "os"]
    assert facts["stars"] == ["x"]
    function = ast.parse("def f(a, *, b): pass").body[0]
    assert signature_of(function, is_method=False) == "a / b"


def test_a_list_is_made_of_folders(tmp_path, monkeypatch):
    files = {
        "slicer/Libs/MRML/Core/vtkMRMLPanelNode.h": NODE,
        "slicer/Libs/MRML/Core/vtkMRMLNode.h": (
            "class vtkMRMLNode : public vtkObject { public: vtkSetMacro(ID, int); };"
        ),
        "slicer/Base/Python/slicer/util.py": "def find(name, scene=None): pass\n",
        "ctk/Libs/Widgets/ctkPanel.h": WIDGET.replace("panelWidget", "ctkPanel"),
        "pythonqt/wrappers/com_trolltech_qt_gui0.h": WRAPPERS,
        "qt5/QtWidgets/qthing.h": (
            "class QThing : public QObject { Q_OBJECT public Q_SLOTS: void both(); void old(); };"
        ),
        "qt6/QtWidgets/qthing.h": (
            "class QThing : public QObject { public: int size(); public Q_SLOTS: void both(); };"
        ),
        "vtk/vtkCommonCore.pyi": (
            "class vtkObject:\n    def GetMTime(self) -> int: ...\nclass vtkOther: ...\n"
        ),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr("api.make_lists.LISTS", tmp_path)
    monkeypatch.setattr("api.release.LISTS", tmp_path)
    folders = [f"--{name}={tmp_path / name}" for name in ("slicer", "ctk", "pythonqt", "vtk")]
    folders += [f"--qt={tmp_path / name}" for name in ("qt5", "qt6")]
    monkeypatch.setattr("sys.argv", ["make_lists", "1.0", *folders, "--made-from", "texts"])
    main()
    made = Release("1.0")
    assert made.made_from == ["texts"]
    assert made.member("vtkMRMLPanelNode", "SetID").takes(1)
    assert made.member("vtkMRMLPanelNode", "GetMTime").takes(0)
    assert made.member("vtkMRMLPanelNode", "SetInner") is None
    assert made.member("vtkMRMLPanelNode", "ReadyEvent").kind == "enum"
    assert made.in_vtk == {"vtkObject", "vtkOther"}
    assert made.member("ctkPanel", "text").kind == "property"  # and its method of the same name
    assert made.member("ctkPanel", "Hidden") is None
    assert made.member("QThing", "both").kind == "slot"
    assert made.member("QThing", "old") is None  # no longer in Qt 6
    assert made.member("QThing", "size").kind == "method"
    assert made.constructor("QThing") == "0-1"
    assert made.below("vtkObject") == ["vtkMRMLNode", "vtkMRMLPanelNode"]
    assert made.modules["slicer.util"]["functions"] == {"find": "name scene="}


@pytest.mark.parametrize("name", RELEASES)
def test_committed_lists_say_what_they_are_made_from(name):
    made = release(name)
    assert any(each.startswith(f"Slicer v{name}.") for each in made.made_from)
    assert {each.split()[0].rpartition("/")[2] for each in made.made_from} >= {
        *("Slicer", "CTK", "PythonQt", "Qt", "VTK")
    }
    assert len(made.classes) > 900
    for each in made.classes:
        assert made.line(each)
    path = made.path
    assert path.stat().st_size < 1_000_000
    assert json.loads(path.read_text(encoding="utf-8"))


def test_known_facts_of_the_releases():
    """As the releases' own sources say, by hand."""
    invert = "GetInvertDisplayScalarRange"
    has_it = [
        release(name).member("vtkMRMLScalarVolumeDisplayNode", invert) is not None
        for name in RELEASES
    ]
    assert has_it == [False, True, True]
    assert ["slicer.packaging" in release(name).modules for name in RELEASES] == [0, 0, 1]
    for name in RELEASES:
        made = release(name)
        assert made.member("QLabel", "text").kind == "property"
        assert made.member("QLabel", "setText").kind == "slot"
        assert made.member("QCheckBox", "toggled").kind == "signal"
        assert made.member("QWidget", "sizeHint").kind == "property"
        assert made.member("qMRMLNodeComboBox", "setNoneEnabled") is None  # no slot
        assert made.member("qMRMLNodeComboBox", "noneEnabled").detail == "rw"
        assert made.member("qSlicerLayoutManager", "sliceViewNames").kind == "invokable"
        assert made.member("qMRMLSliceView", "cornerAnnotation").returns == "vtkCornerAnnotation"
        assert made.member("vtkMRMLSliceNode", "IsMappedInLayout").takes(0)
        assert made.member("ctkPathLineEdit", "editingFinished") is None
