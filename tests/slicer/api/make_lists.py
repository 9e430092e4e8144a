"""Write the list of what one release of 3D Slicer offers to Python, from its headers.

    python -m tests.slicer.api.make_lists 5.12 --slicer DIR --ctk DIR --pythonqt DIR --vtk DIR \
        --qt DIR --qt DIR --made-from "Slicer v5.12.0" --made-from "CTK 5056664a20"

The folders are work trees of the tag of Slicer, of the commits of CTK and PythonQt that its
``SuperBuild`` names, the headers of Qt, and the stubs (``*.pyi``) of a wheel of VTK. With headers
of two versions of Qt the list has what both of them have. The lists hold facts only: names of
classes, of what they offer, and how many arguments it takes.

    python -m tests.slicer.api.make_lists methods --vtk DIR --vtk DIR --made-from "VTK 9.2.6" …

writes the names of the methods that the common classes of several versions of VTK all have.
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
from pathlib import Path

from .headers import Declared, classes_in
from .python_files import python_modules, stub_classes
from .release import LISTS
from .selection import COMMON_VTK, is_wanted, wanted_headers
from .wrappers import added_by

_ONLY_WRAPPED = {"Qt": [], "QUiLoader": ["QObject"]}
"""Bases of what is read from the wrappers alone."""
_OF_META_OBJECT = ("property", "slot", "invokable", "signal")


def main() -> None:
    """Write the list that the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("release")
    for name in ("slicer", "ctk", "pythonqt"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("vtk", "qt"):
        parser.add_argument(f"--{name}", type=Path, action="append")
    parser.add_argument("--made-from", action="append", required=True)
    chosen = parser.parse_args()
    if chosen.release == "methods":
        write_methods(LISTS / "vtk-methods.txt", chosen.made_from, chosen.vtk)
        return
    added = _added([chosen.pythonqt, chosen.ctk, chosen.slicer])
    classes = _qt_classes(chosen.qt, added)
    for root in (chosen.ctk, chosen.slicer):
        classes.update(_own_classes(root, added))
    classes.update(_vtk_classes(chosen.vtk[0], classes))
    layer = chosen.slicer / "Base" / "Python" / "slicer"
    modules = python_modules(layer, "slicer")
    for name in ("SampleData", "DICOMLib"):
        for folder in (chosen.slicer / "Modules" / "Scripted").glob(name):
            modules.update(python_modules(folder, "" if name == "SampleData" else name))
    path = LISTS / f"slicer-{chosen.release}.json"
    write_list(path, chosen.made_from, classes, modules, _names_in_vtk(chosen.vtk[0]))


def write_list(path: Path, made_from: list, classes: dict, modules: dict, in_vtk: str) -> None:
    """Write a list, one class or module a line.

    Args:
        path: of the file.
        made_from: what the facts are of, such as ``Slicer v5.12.0``.
        classes: :class:`Declared` by name.
        modules: facts of Python modules by name.
        in_vtk: names of all classes of VTK, also of those that are not listed.
    """
    lines = [f'{{"made_from": {json.dumps(made_from)},', f'"in_vtk": {json.dumps(in_vtk)},']
    lines += ['"classes": {']
    rows = [f"{json.dumps(name)}: {_row(classes[name])}" for name in sorted(classes)]
    lines += [",\n".join(rows), "},", '"modules": {']
    rows = [f"{json.dumps(name)}: {_compact(modules[name])}" for name in sorted(modules)]
    lines += [",\n".join(rows), "}}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_methods(path: Path, made_from: list, roots: list) -> None:
    """Write the names of methods that common classes of VTK have in every version.

    Args:
        path: of the file; its first line says what the names are of.
        made_from: the versions.
        roots: folders of stubs.
    """
    versions = []
    for root in roots:
        files = [each for each in root.glob("vtk*.pyi") if COMMON_VTK.match(each.stem)]
        texts = [each.read_text(encoding="utf-8") for each in files]
        versions.append(
            {n for text in texts for n in re.findall(r"^    def ([A-Z]\w+)", text, re.M)}
        )
    names = sorted(set.intersection(*versions))
    text = textwrap.fill(" ".join(names), 100, break_long_words=False, break_on_hyphens=False)
    path.write_text(f"# {', '.join(made_from)}\n{text}\n", encoding="utf-8")


def _row(declared: Declared) -> str:
    row: dict = {"bases": declared.bases} if declared.bases else {}
    for kind, names in sorted(declared.members.items()):
        texts = {name: v if isinstance(v, str) else _ranges(v) for name, v in names.items()}
        row[kind] = " ".join(f"{name}:{texts[name]}" for name in sorted(texts))
    enums = {name: " ".join(sorted(set(v))) for name, v in sorted(declared.enums.items())}
    if enums:
        row["enum"] = enums
    known = {member for names in declared.members.values() for member in names}
    returns = {n: kind for n, kind in declared.returns.items() if n in known and n[:1] != "_"}
    if returns:
        row["returns"] = " ".join(f"{name}:{returns[name]}" for name in sorted(returns))
    return _compact(row)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _ranges(arities: list) -> str:
    """Return how many arguments are taken, such as ``0-1,3``."""
    texts = []
    for least, most in sorted(arities, key=lambda each: (each[0], each[1] or 99)):
        texts.append(str(least) if least == most else f"{least}-{'*' if most is None else most}")
    return ",".join(texts)


def _headers(root: Path) -> dict:
    found: dict = {}
    for path in wanted_headers(root):
        for name, declared in classes_in(
            path.read_text(encoding="utf-8", errors="replace")
        ).items():
            if name not in found or len(str(declared)) > len(str(found[name])):
                found[name] = declared
    return found


def _with_bases(headers: dict) -> set:
    """Return the names of wanted classes, and of those of the headers that they inherit from."""
    line, names = [name for name in headers if is_wanted(name)], set()
    while line:
        name = line.pop()
        if name in headers and name not in names:
            names.add(name)
            line += headers[name].bases
    return names


def _added(roots: list) -> dict:
    """Return what wrappers and decorators add, by class."""
    found: dict = {}
    for root in roots:
        for path in sorted(root.rglob("*.h")):
            is_decorator = re.search(r"Decorators|com_trolltech_qt", path.name)
            if is_decorator is None or "Testing" in path.parts:
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            for name, declared in added_by(text).items():
                _join(found.setdefault(name, Declared()), declared)
    return found


def _join(into: Declared, more: Declared) -> None:
    for kind, names in more.members.items():
        for name, arities in names.items():
            for arity in arities if isinstance(arities, list) else ():
                into.add(kind, name, arity)
            if isinstance(arities, str):
                into.members.setdefault(kind, {})[name] = arities
    into.enums.update(more.enums)
    into.returns.update(more.returns)


def _by_meta_object(declared: Declared) -> Declared:
    """Return what the meta-object of a class has: no plain methods, and enums that it names."""
    kept = Declared(bases=declared.bases, returns=declared.returns)
    kept.members = {kind: dict(declared.members.get(kind, {})) for kind in _OF_META_OBJECT}
    kept.members = {kind: names for kind, names in kept.members.items() if names}
    known = declared.meta_enums | {declared.flags.get(flag) for flag in declared.meta_enums}
    kept.enums = {name: values for name, values in declared.enums.items() if name in known}
    return kept


def _qt_classes(roots: list, added: dict) -> dict:
    versions = [_headers(root) for root in roots]
    names = {*_with_bases(versions[0]), *_ONLY_WRAPPED}
    classes = {}
    for name in names:
        if name not in _ONLY_WRAPPED and any(name not in each for each in versions):
            continue
        declared = _by_meta_object(versions[0].get(name, Declared()))
        declared.bases = _ONLY_WRAPPED.get(name, declared.bases)
        _join(declared, added.get(name, Declared()))
        for other in versions[1:]:
            _keep_common(declared, name, other)
        classes[name] = declared
    return classes


def _keep_common(declared: Declared, name: str, other: dict) -> None:
    """Leave out what the headers of another version of Qt do not have."""
    if name not in other:  # the namespace Qt has no class
        return
    line, names = [name], set()
    while line:
        each = other.get(line.pop(), Declared())
        names |= {member for kind in each.members.values() for member in kind}
        line += each.bases
    for kind, members in declared.members.items():
        if kind != "constructor":
            kept = {each: v for each, v in members.items() if each in names or kind == "static"}
            declared.members[kind] = kept
    for enum, values in declared.enums.items():
        if enum in other[name].enums:
            declared.enums[enum] = [v for v in values if v in other[name].enums[enum]]


def _own_classes(root: Path, added: dict) -> dict:
    classes = {}
    headers = _headers(root)
    for name in _with_bases(headers):
        declared = headers[name]
        if name.startswith("vtk"):
            classes[name] = declared
        else:
            classes[name] = _by_meta_object(declared)
            constructors = declared.members.get("constructor")
            if constructors:
                classes[name].members["constructor"] = constructors
            _join(classes[name], added.get(name, Declared()))
    return classes


def _names_in_vtk(root: Path) -> str:
    texts = [path.read_text(encoding="utf-8") for path in sorted(root.glob("vtk*.pyi"))]
    found = {name for text in texts for name in re.findall(r"^class (vtk\w+)", text, re.M)}
    return " ".join(sorted(found))


def _vtk_classes(root: Path, others: dict) -> dict:
    stubs: dict = {}
    for path in sorted(root.glob("*.pyi")):
        stubs.update(stub_classes(path.read_text(encoding="utf-8")))
    bases = {base for declared in others.values() for base in declared.bases}
    line = [name for name in stubs if is_wanted(name) or name in bases]
    wanted: dict = {}
    while line:
        name = line.pop()
        if name in stubs and name not in wanted:
            wanted[name] = stubs[name]
            line += stubs[name].bases
    return {name: declared for name, declared in wanted.items() if name not in others}


if __name__ == "__main__":
    main()
