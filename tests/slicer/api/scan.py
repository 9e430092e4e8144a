"""Find what the panel's Python files use and a release of 3D Slicer does not have.

A use is guarded, and no offence, where the same function asks ``hasattr(…, "name")`` or takes it
by ``getattr(…, "name", default)``, in the body of an ``if hasattr(…)``, and in a ``try`` that
catches ``AttributeError``, or ``ImportError`` for an import.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .inference import MODULES, UI, Inference, Kind, Known
from .uses import Uses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CATCH = {"AttributeError", "ImportError", "ModuleNotFoundError", "Exception"}


def offences(files: list, widgets: dict, release: object) -> list:
    """Return a sentence on each use of what a release does not have.

    Args:
        files: ``(name, text)`` of Python files of one program.
        widgets: class of each widget of the ``.ui`` file by its name.
        release: see :func:`api.release.release`.
    """
    trees = [(name, ast.parse(text)) for name, text in files]
    trees = [(name, tree) for name, tree in trees if _imports_ours(tree)]
    known = Known(release, widgets)
    base = Inference(known, {name: Kind("module", (name,)) for name in MODULES})
    for _name, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                _take_function(node, base)
    defined = _defined([tree for _name, tree in trees])
    found: list = []
    for name, tree in trees:
        scan = _File(known, defined)
        scan.run(tree)
        found += [f"{name}:{line}: {sentence}" for line, sentence in sorted(scan.found)]
    return found


def python_files(root: Path) -> list:
    """Return ``(path below root, text)`` of all Python files below a folder."""
    paths = sorted(root.rglob("*.py"))
    return [(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in paths]


def _imports_ours(tree: ast.Module) -> bool:
    """Whether a file has to do with the application at all; scripts beside the panel have not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        else:
            names = [alias.name for alias in getattr(node, "names", ()) if hasattr(alias, "asname")]
        if any(name.partition(".")[0] in MODULES for name in names):
            return True
    return False


def _take_function(node: ast.FunctionDef, base: Inference) -> None:
    kind = base.of_annotation(node.returns)
    is_property = any(getattr(each, "id", "") == "property" for each in node.decorator_list)
    key = f"property {node.name}" if is_property else node.name
    if kind is not None:
        base.known.functions[key] = kind


def _defined(trees: list) -> set:
    """Return the names of everything that the program defines itself."""
    found = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
    return found


class _File:
    """Goes through one file, scope by scope."""

    def __init__(self, known: Known, defined: set) -> None:
        self.known = known
        self.found: set = set()
        self._uses = Uses(known, defined, self._report)
        self._guarded: set = set()
        self._is_in_guard = 0

    def run(self, tree: ast.Module) -> None:
        top = Inference(self.known, {})
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = (alias.asname or alias.name).partition(".")[0]
                    is_ours = alias.name.partition(".")[0] in MODULES
                    self._uses.imported.add(name)
                    top.names[name] = Kind("module", (name,)) if is_ours else None
        self._body(tree.body, top)

    def _report(self, node: ast.AST, name: str, sentence: str) -> None:
        if not self._is_in_guard and name not in self._guarded:
            self.found.add((node.lineno, sentence))

    def _body(self, statements: list, scope: Inference) -> None:
        for node in statements:
            self._statement(node, scope)

    def _statement(self, node: ast.stmt, scope: Inference) -> None:
        if isinstance(node, ast.ClassDef):
            self._class(node, scope)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._function(node, scope)
        elif isinstance(node, ast.Try):
            caught = {name.id for h in node.handlers for name in _names(h.type)}
            self._guarded_body(node.body, scope, bool(caught & _CATCH))
            for handler in node.handlers:
                self._body(handler.body, scope)
            self._body([*node.orelse, *node.finalbody], scope)
        elif isinstance(node, ast.If):
            self._expression(node.test, scope)
            asked = [each.func for each in ast.walk(node.test) if isinstance(each, ast.Call)]
            is_guard = any(getattr(each, "id", "") == "hasattr" for each in asked)
            self._guarded_body(node.body, scope, is_guard)
            self._body(node.orelse, scope)
        else:
            self._other(node, scope)

    def _guarded_body(self, body: list, scope: Inference, is_guarded: bool) -> None:
        self._is_in_guard += is_guarded
        self._body(body, scope)
        self._is_in_guard -= is_guarded

    def _other(self, node: ast.stmt, scope: Inference) -> None:
        if isinstance(node, ast.For):
            scope.bind_loop(node.target, node.iter)
        self._bind(node, scope)
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.stmt):
                self._statement(each, scope)
            elif isinstance(each, (ast.withitem, ast.excepthandler, ast.match_case)):
                for part in ast.iter_child_nodes(each):
                    is_statement = isinstance(part, ast.stmt)
                    (self._statement if is_statement else self._expression)(part, scope)
            else:
                self._expression(each, scope)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._uses.imports(node)

    def _expression(self, node: ast.AST, scope: Inference) -> None:
        inner = scope
        if isinstance(node, ast.Lambda):
            inner = Inference(self.known, scope.names)
            for each in node.args.args:
                inner.names.pop(each.arg, None)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            inner = Inference(self.known, scope.names)
            for each in node.generators:
                inner.bind_loop(each.target, each.iter)
        for each in ast.iter_child_nodes(node):
            self._expression(each, inner)
        self._uses.expression(node, inner)

    def _bind(self, node: ast.stmt, scope: Inference) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for one, value in zip(target.elts, node.value.elts, strict=False):
                        scope.bind(one, scope.of(value))
                elif isinstance(target, ast.Tuple):
                    for one in target.elts:
                        scope.bind(one, None)
                else:
                    scope.bind(target, scope.of(node.value))
        elif isinstance(node, ast.AnnAssign):
            scope.bind(node.target, scope.of_annotation(node.annotation))

    def _class(self, node: ast.ClassDef, scope: Inference) -> None:
        inner = Inference(self.known, scope.names)
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        for method in methods:
            first = Inference(self.known, self._arguments(method, inner))
            for each in ast.walk(method):
                if isinstance(each, ast.stmt):
                    self._bind(each, first)
            known = {n: k for n, k in first.names.items() if n.startswith("self.") and k}
            inner.names.update(known)
        self._body(node.body, inner)

    def _function(self, node: ast.FunctionDef, scope: Inference) -> None:
        former, self._guarded = self._guarded, self._guarded | set(_asked_for(node))
        for each in (*node.args.defaults, *node.decorator_list):
            self._expression(each, scope)
        self._body(node.body, Inference(self.known, self._arguments(node, scope)))
        self._guarded = former

    def _arguments(self, node: ast.FunctionDef, scope: Inference) -> dict:
        names = dict(scope.names)
        for each in (*node.args.args, *node.args.kwonlyargs):
            names[each.arg] = UI if each.arg == "ui" else scope.of_annotation(each.annotation)
        return names


def _asked_for(node: ast.AST) -> Iterator:
    """Yield the names that a function asks for before it uses them."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            is_asked = each.func.id == "hasattr" or (
                each.func.id == "getattr" and len(each.args) == 3
            )
            if is_asked and isinstance(each.args[1], ast.Constant):
                yield each.args[1].value


def _names(node: ast.AST | None) -> list:
    return [each for each in ast.walk(node) if isinstance(each, ast.Name)] if node else []
