"""What kind of object an expression of the panel is, as far as its text says it.

Known are objects by annotation, by constructor, by what listed methods return, by the class names
that are given to the scene, widgets by the ``.ui`` file, and functions of the panel by their
annotations. Everything else is unknown, and only loosely checked.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

MODULES = ("slicer", "qt", "ctk", "vtk")
_BY_CLASS_NAME = (
    *("AddNewNodeByClass", "CreateNodeByClass", "GetFirstNodeByClass", "GetNthNodeByClass"),
    *("GetSingletonNode", "AddNewNodeByClassWithID", "GetFirstNode", "getFirstNodeByClassByName"),
)
_OBJECTS = {"app": "qSlicerApplication", "mrmlScene": "vtkMRMLScene"}


@dataclass(frozen=True)
class Kind:
    """What an expression is.

    Attributes:
        what: ``object``, ``class``, ``module``, ``ui`` or ``list``.
        names: of the class, of each class that it may be, or of the module.
        is_exact: whether it is of no class that inherits from these.
    """

    what: str
    names: tuple = ()
    is_exact: bool = False


UI = Kind("ui")


@dataclass
class Known:
    """What is known of all files of the panel.

    Attributes:
        release: the list.
        widgets: class of each widget of the ``.ui`` file by its name.
        functions: what the functions and properties of the panel return, by their names.
    """

    release: object
    widgets: dict = field(default_factory=dict)
    functions: dict = field(default_factory=dict)


class Inference:
    """Names of one scope, and what they are.

    Args:
        known: of all files.
        names: of the scopes around; they are copied.
    """

    def __init__(self, known: Known, names: dict) -> None:
        self.known, self.names = known, dict(names)

    def bind(self, target: ast.expr, kind: Kind | None) -> None:
        """Take down what is assigned to a name, or to an attribute of ``self``."""
        name = _plain(target)
        if name and (kind is not None or "." not in name):
            self.names[name] = kind

    def bind_loop(self, target: ast.expr, iterable: ast.expr) -> None:
        """Take down what the names of a loop are."""
        if isinstance(iterable, (ast.Tuple, ast.List)):
            rows = iterable.elts
            if isinstance(target, ast.Tuple):
                rows = [row for row in rows if isinstance(row, (ast.Tuple, ast.List))]
                for place, name in enumerate(target.elts):
                    cells = [row.elts[place] for row in rows if place < len(row.elts)]
                    self.bind(name, joined([self.of(cell) for cell in cells]))
            else:
                self.bind(target, joined([self.of(row) for row in rows]))
            return
        kind = self.of(iterable)
        is_list = kind is not None and kind.what == "list"
        if isinstance(target, ast.Name):
            self.bind(target, Kind("object", kind.names) if is_list else None)

    def of(self, node: ast.AST) -> Kind | None:
        """Return what an expression is, None where that is not known."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, ast.IfExp):
            return joined([self.of(each) for each in (node.body, node.orelse) if not _none(each)])
        if isinstance(node, ast.BoolOp):
            return joined([self.of(each) for each in node.values if not _none(each)])
        if isinstance(node, ast.NamedExpr):
            return self.of(node.value)
        if isinstance(node, ast.Subscript):
            kind = self.of(node.value)
            return Kind("object", kind.names) if kind and kind.what == "list" else None
        return None

    def of_annotation(self, node: ast.AST | None) -> Kind | None:
        """Return what an annotation names."""
        if isinstance(node, ast.BinOp):
            sides = [each for each in (node.left, node.right) if not _none(each)]
            return joined([self.of_annotation(each) for each in sides])
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if _plain(node.value) in ("Union", "Optional"):
                return joined([self.of_annotation(each) for each in parts if not _none(each)])
            return None
        kind = self.of(node) if node is not None else None
        return Kind("object", kind.names) if kind is not None and kind.what == "class" else None

    def _of_attribute(self, node: ast.Attribute) -> Kind | None:
        plain = _plain(node)
        if plain in self.names:
            return self.names[plain]
        if node.attr in ("ui", "_ui"):
            return UI
        owner = self.of(node.value)
        if owner is None:
            return self.known.functions.get(f"property {node.attr}")
        release = self.known.release
        if owner.what == "module":
            name = f"{owner.names[0]}.{node.attr}"
            if owner.names[0] == "slicer" and node.attr in _OBJECTS:
                return Kind("object", (_OBJECTS[node.attr],), is_exact=True)
            if name in release.modules:
                return Kind("module", (name,))
            return Kind("class", (node.attr,)) if node.attr in release.classes else None
        if owner.what == "ui" and node.attr in self.known.widgets:
            return Kind("object", (self.known.widgets[node.attr],), is_exact=True)
        return None

    def _of_call(self, node: ast.Call) -> Kind | None:
        release, function = self.known.release, node.func
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
        classes = tuple(t for t in texts if isinstance(t, str) and t in release.classes)
        if isinstance(function, ast.Name) and function.id in self.known.functions:
            return self.known.functions[function.id]
        if isinstance(function, ast.Attribute):
            if function.attr in _BY_CLASS_NAME:
                return Kind("object", classes[-1:]) if classes else None
            if function.attr == "getNodesByClass":
                return Kind("list", classes[:1]) if classes else None
            if function.attr == "childWidgetVariables":
                return UI
            owner = self.of(function.value)
            if owner is not None and owner.what in ("object", "class"):
                members = [release.member(name, function.attr) for name in owner.names]
                found = {each.returns for each in members if each is not None}
                return Kind("object", tuple(found)) if found and found <= release.classes else None
            if owner is None and function.attr in self.known.functions:
                return self.known.functions[function.attr]
        kind = self.of(function)
        if kind is not None and kind.what == "class":
            return Kind("object", kind.names, is_exact=True)
        return None


def joined(kinds: list) -> Kind | None:
    """Return what may be each of several; None where one is unknown, or they are no objects."""
    if not kinds or any(kind is None or kind.what != "object" for kind in kinds):
        return kinds[0] if len(kinds) == 1 else None
    names = tuple(dict.fromkeys(name for kind in kinds for name in kind.names))
    return Kind("object", names, all(kind.is_exact for kind in kinds))


def _none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _plain(node: ast.AST) -> str:
    """Return ``name`` or ``self.name``, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"self.{node.attr}" if node.value.id == "self" else ""
    return ""
