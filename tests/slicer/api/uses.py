"""Judge each use of an attribute, call, signal and import by the list of a release."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .inference import Inference, Kind, Known

_OF_SLICER = ("app", "util", "modules", "mrmlScene", "dicomDatabase", "__path__")
_OF_VTK = re.compile(r"VTK_\w+|util|calldata_type|numpy_interface")
_SIGNATURE = re.compile(r"(\w+)\((.*)\)")


class Uses:
    """Reports what a release does not have.

    Args:
        known: the list, the widgets, and the functions of the program.
        defined: names that the program defines itself.
        report: called with the node, the name that may be guarded, and a sentence.
    """

    def __init__(self, known: Known, defined: set, report: Callable) -> None:
        self.imported: set = set()
        self._known, self._release = known, known.release
        self._defined, self._report = defined, report

    def expression(self, node: ast.AST, scope: Inference) -> None:
        """Judge one expression; its parts are judged by themselves."""
        if isinstance(node, ast.Attribute):
            self._attribute(node, scope.of(node.value), scope)
        elif isinstance(node, ast.Call):
            self._call(node, scope)

    def imports(self, node: ast.stmt) -> None:
        """Judge an import of Slicer's Python modules."""
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.Import):
            for name in names:
                if name.startswith("slicer.") and name not in self._release.modules:
                    self._report(node, name, f"there is no module {name}")
            return
        module = "" if node.level else node.module or ""
        if module == "slicer":
            for name in names:
                if not self._is_of_slicer(name):
                    self._report(node, name, f"slicer has no {name}")
            return
        facts = self._release.modules.get(module)
        if module.partition(".")[0] in ("slicer", "DICOMLib", "SampleData") and facts is None:
            self._report(node, module, f"there is no module {module}")
        elif facts is not None:
            for name in names:
                if not _has(facts, name) and f"{module}.{name}" not in self._release.modules:
                    self._report(node, name, f"{module} has no {name}")

    # ---- attributes

    def _attribute(self, node: ast.Attribute, owner: Kind | None, scope: Inference) -> None:
        name = node.attr
        if owner is None or name.startswith("__"):
            return
        if owner.what == "module":
            self._of_module(node, owner.names[0])
        elif owner.what == "ui":
            if name not in self._known.widgets and not name.startswith("_"):
                self._report(node, name, f"the .ui file has no widget {name}")
        elif owner.what in ("object", "class"):
            missing = self._missing(owner, name)
            if missing:
                self._report(node, name, f"{missing} has no {name}")
            elif isinstance(node.ctx, ast.Store):
                self._written(node, owner)

    def _of_module(self, node: ast.Attribute, module: str) -> None:
        name, release = node.attr, self._release
        if module == "slicer":
            is_there = self._is_of_slicer(name)
        elif module == "vtk":
            is_there = name in release.in_vtk or _OF_VTK.fullmatch(name) is not None
        elif module in ("qt", "ctk"):
            start = "Q" if module == "qt" else "ctk"
            is_there = name in release.classes and name.startswith(start)
        else:
            is_there = _has(release.modules[module], name) if module in release.modules else True
        if not is_there:
            self._report(node, name, f"{module} has no {name}")

    def _is_of_slicer(self, name: str) -> bool:
        if name in _OF_SLICER or f"slicer.{name}" in self._release.modules:
            return True
        return name in self._release.classes and re.match(r"vtk|q(MRML|Slicer)", name) is not None

    def _missing(self, owner: Kind, name: str) -> str:
        """Return the first class of an object that has no such name, "" where all have it."""
        for each in owner.names:
            kinds = [each] if owner.is_exact else [each, *self._release.below(each)]
            if all(self._release.member(kind, name) is None for kind in kinds):
                return each
        return ""

    def _member(self, owner: Kind | None, name: str) -> object:
        if owner is None or owner.what not in ("object", "class"):
            return None
        for each in owner.names:
            for kind in [each] if owner.is_exact else [each, *self._release.below(each)]:
                member = self._release.member(kind, name)
                if member is not None:
                    return member
        return None

    def _written(self, node: ast.Attribute, owner: Kind) -> None:
        member = self._member(owner, node.attr)
        if owner.names[0].startswith("vtk") or member is None:
            return
        if member.kind != "property":
            sentence = f"{node.attr} of {owner.names[0]} is a {member.kind}, and no property"
            self._report(node, node.attr, sentence)
        elif member.detail != "rw":
            self._report(node, node.attr, f"{node.attr} of {owner.names[0]} cannot be written")

    # ---- calls

    def _call(self, node: ast.Call, scope: Inference) -> None:
        function = node.func
        if not isinstance(function, ast.Attribute):
            return
        owner, name = scope.of(function.value), function.attr
        if name in ("connect", "disconnect") and self._signal(node, scope):
            return
        if owner is None:
            self._unknown(node, function)
        elif owner.what == "module" and owner.names[0] in self._release.modules:
            self._python_call(node, owner.names[0], name)
        elif owner.what == "module":
            self._constructor(node, name)
        else:
            self._method(node, owner, name)

    def _unknown(self, node: ast.Call, function: ast.Attribute) -> None:
        """A method that is spelled as those of VTK must be of some class, or our own."""
        name, owner = function.attr, function.value
        is_module = isinstance(owner, ast.Name) and owner.id in self.imported
        is_vtk_like = re.match(r"[A-Z][a-z]+([A-Z0-9]\w*)?$", name) is not None
        if not is_vtk_like or is_module or name in self._defined:
            return
        if name not in self._release.names_of_vtk:
            self._report(node, name, f"no class has a method {name}")

    def _method(self, node: ast.Call, owner: Kind, name: str) -> None:
        member = self._member(owner, name)
        if member is None:
            return
        if not member.is_callable:
            sentence = f"{name} of {owner.names[0]} is a {member.kind}, and cannot be called"
            if member.kind != "enum":
                self._report(node, name, sentence)
            return
        if node.keywords and not owner.names[0].startswith("vtk"):
            self._report(node, name, f"{name} of {owner.names[0]} takes no names of arguments")
            return
        count = _count(node)
        if count is not None and not self._takes(owner, name, count):
            many = f"{name} of {owner.names[0]} does not take {count} arguments"
            self._report(node, name, f"{many} but {member.detail}")

    def _takes(self, owner: Kind, name: str, count: int) -> bool:
        for each in owner.names:
            for kind in [each, *self._release.below(each)]:
                member = self._release.member(kind, name)
                # A method of a class may be called with the object as its first argument.
                counts = (count, count - 1) if owner.what == "class" else (count,)
                if member is not None and any(member.takes(each) for each in counts):
                    return True
        return False

    def _constructor(self, node: ast.Call, name: str) -> None:
        text, count = self._release.constructor(name), _count(node)
        if name.startswith("vtk") or not text or count is None:
            return
        from .release import Member

        if not Member("method", text).takes(count):
            self._report(node, name, f"{name} is not made of {count} arguments but {text}")

    def _python_call(self, node: ast.Call, module: str, name: str) -> None:
        signature = self._release.modules[module]["functions"].get(name)
        if signature is not None and not fits(signature, node):
            self._report(node, name, f"{module}.{name} takes: {signature}")

    # ---- signals

    def _signal(self, node: ast.Call, scope: Inference) -> bool:
        """Judge ``object.signal.connect(…)`` and ``object.connect("signal(…)", …)``."""
        value = node.func.value
        if isinstance(value, ast.Attribute):
            member = self._member(scope.of(value.value), value.attr)
            if member is not None and member.kind != "signal":
                self._report(value, value.attr, f"{value.attr} is a {member.kind}, and no signal")
            if member is not None:
                return True
        owner = scope.of(value)
        first = node.args[0] if node.args else None
        if owner is None or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            return False
        found = _SIGNATURE.fullmatch(first.value)
        if found is None:
            return False
        name, arguments = found.groups()
        member = self._member(owner, name)
        count = len([each for each in arguments.split(",") if each.strip()])
        if member is None or member.kind != "signal" or not member.takes(count):
            self._report(node, name, f"{owner.names[0]} has no signal {first.value}")
        return True


def fits(signature: str, node: ast.Call) -> bool:
    """Whether a call fits the names of the arguments of a Python function.

    Args:
        signature: see :func:`api.python_files.signature_of`.
        node: the call.
    """
    parts = signature.split()
    takes_any, takes_names = "*" in parts, "**" in parts
    positional: list = []
    for part in parts:
        if part in ("*", "/", "**"):
            break
        positional.append(part)
    by_name = [part for part in parts if part not in ("*", "/", "**")]
    count = _count(node)
    named = [each.arg for each in node.keywords]
    if count is None or None in named:
        return True
    if count > len(positional) and not takes_any:
        return False
    known = {part.rstrip("=") for part in by_name}
    if not takes_names and any(name not in known for name in named):
        return False
    given = {part.rstrip("=") for part in positional[:count]} | set(named)
    return all(part.endswith("=") or part in given for part in by_name)


def _count(node: ast.Call) -> int | None:
    """Return how many arguments are given by place, None where that is not known."""
    is_open = any(isinstance(each, ast.Starred) for each in node.args)
    return None if is_open else len(node.args)


def _has(facts: dict, name: str) -> bool:
    return name in facts["functions"] or name in facts["classes"] or name in facts["names"]
