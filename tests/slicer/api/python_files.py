"""What Python files, and the stubs of VTK's wheels, define."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .headers import Declared

if TYPE_CHECKING:
    from pathlib import Path


def module_facts(text: str) -> dict:
    """Return ``functions`` by name, with their signatures, ``classes``, ``names`` and ``stars``.

    Stars are the modules of which everything is imported.

    Args:
        text: of a Python file.
    """
    functions, classes, names, stars = {}, {}, [], []
    for node in _statements(ast.parse(text).body):
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = signature_of(node, is_method=False)
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = _class_facts(node)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            given = [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
            if given == ["*"]:
                stars.append(node.module)
            names += given
    names = sorted(set(names) - {"*"})
    return {"functions": functions, "classes": classes, "names": names, "stars": stars}


def signature_of(function: ast.FunctionDef, is_method: bool) -> str:
    """Return the names of the arguments, such as ``node path scale=``; ``*`` and ``**`` take any.

    Args:
        function: its definition.
        is_method: whether the first argument is the object.
    """
    arguments = function.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    first_default = len(names) - len(arguments.defaults)
    parts = [name + ("=" if i >= first_default else "") for i, name in enumerate(names)]
    decorators = {getattr(each, "id", "") for each in function.decorator_list}
    if is_method and "staticmethod" not in decorators:
        parts = parts[1:]
    if arguments.vararg:
        parts.append("*")
    elif arguments.kwonlyargs:
        parts.append("/")
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parts.append(each.arg + ("" if default is None else "="))
    if arguments.kwarg:
        parts.append("**")
    return " ".join(parts)


def stub_classes(text: str) -> dict:
    """Return :class:`Declared` by class of a stub file of VTK."""
    found = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        declared = Declared(bases=[base for base in bases if base.startswith("vtk")])
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                names = [ast.unparse(each) for each in member.decorator_list]
                args, is_static = member.args, "staticmethod" in names
                most = len(args.args) - (not is_static)
                arity = (most - len(args.defaults), None if args.vararg else most)
                declared.add("static" if is_static else "method", member.name, arity)
            elif isinstance(member, ast.AnnAssign) and ast.unparse(member.annotation) != (
                "'getset_descriptor'"
            ):
                declared.enums.setdefault("", []).append(member.target.id)
        found[node.name] = declared
    return found


def python_modules(folder: Path, package: str = "") -> dict:
    """Return the facts of every Python file of a folder by the name to import it by."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = list(path.relative_to(folder).with_suffix("").parts)
        if {"Testing", "tests"} & set(parts) or parts[-1].startswith("setup"):
            continue
        if parts[-1] == "__init__":
            parts.pop()
        name = ".".join([package, *parts] if package else parts)
        if name:
            found[name] = module_facts(path.read_text(encoding="utf-8"))
    for name, facts in found.items():
        for star in facts.pop("stars"):
            inner = found.get(f"{name}.{star}", {})
            for kind in ("functions", "classes"):
                facts[kind] = {**inner.get(kind, {}), **facts[kind]}
    return found


def _statements(body: list):
    for node in body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from _statements([*node.body, *node.orelse])
        else:
            yield node


def _class_facts(node: ast.ClassDef) -> dict:
    methods = {
        each.name: signature_of(each, is_method=True)
        for each in node.body
        if isinstance(each, ast.FunctionDef)
    }
    bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    return {"bases": bases, "methods": methods}
