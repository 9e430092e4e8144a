"""Who may import whom: the data go one way through the house, and so do imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "monai_bundle" / "mactfusion"

FLOORS = (
    {"__init__", "amounts", "errors", "exports", "bundle", "case", "lean", "progress", "words"},
    {"networks", "structure", "transforms.windows", "transforms.color_names"},
    {"option_entry", "option_table", "option_values", "options"},
    {"io", "registration", "transforms", "losses", "metrics", "phantom", "trust"},
    {"weights", "underway", "inference", "choice", "record"},
    {"recipe"},
    {"result", "pipeline", "probing", "uncaught"},
    {"deploy", "engine", "evaluation", "report", "demo", "study", "worker"},
    {"batch"},
    {"cli"},
    {"__main__"},
)
"""From the ground up; a file may import from its own floor and from those below."""

KNOW_ONLY_NUMBERS = ("losses", "metrics", "structure")
"""Rooms that know tensors and arrays, and of the house only each other and what refuses them."""


def name_of(path):
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def floor_of(module):
    for number, rooms in enumerate(FLOORS):
        if module in rooms:
            return number
    return next(number for number, rooms in enumerate(FLOORS) if module.split(".")[0] in rooms)


def imports_of(path, package="mactfusion"):
    """Modules of a package that a file imports when it runs, also within functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
            inside = node.module.partition(".")[2]
            names = [f"{inside}.{alias.name}".strip(".") for alias in node.names]
            files = [name for name in names if (LIBRARY / name.replace(".", "/")).exists()]
            files += [name for name in names if (LIBRARY / f"{name.replace('.', '/')}.py").exists()]
            yield from files or [inside or "__init__"]
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.partition(".")[2] or "__init__"
                for alias in node.names
                if alias.name.split(".")[0] == package
            )


FILES = sorted(LIBRARY.rglob("*.py"))
DOOR = LIBRARY / "__init__.py"
"""Everybody knows its version; what it offers from above it imports when it is asked for."""


def test_every_file_has_a_floor():
    assert len(FILES) > 100
    for path in FILES:
        assert floor_of(name_of(path)) >= 0, path


@pytest.mark.parametrize("path", [path for path in FILES if path != DOOR], ids=name_of)
def test_imports_go_down(path):
    own = name_of(path)
    for other in imports_of(path):
        assert floor_of(other) <= floor_of(own), f"{own} imports {other}"


@pytest.mark.parametrize("room", KNOW_ONLY_NUMBERS)
def test_what_knows_numbers_knows_them_alone(room):
    for path in (LIBRARY / room).rglob("*.py"):
        for other in imports_of(path):
            assert other.split(".")[0] in {room, "errors", "metrics", "structure"}, (
                f"{path} imports {other}"
            )


def test_a_wrong_import_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("test_rooms.LIBRARY", LIBRARY)
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def late():\n    from mactfusion.pipeline import fuse_volumes\n")
    assert list(imports_of(wrong)) == ["pipeline"]
    assert floor_of("pipeline") > floor_of("io.read")
    wrong.write_text("if TYPE_CHECKING:\n    from mactfusion.cli import app\n")
    assert list(imports_of(wrong)) == []


def test_the_panel_imports_nothing_of_the_library():
    panel = ROOT / "MACTFusionSlicer"
    files = [panel / "MACTFusion.py", *(panel / "MACTFusionLib").rglob("*.py")]
    assert len(files) > 20
    for path in files:
        assert list(imports_of(path)) == [], path


def test_the_library_imports_nothing_of_training_tests_and_apps():
    for path in FILES:
        for package in ("training", "tests", "lib", "app", "fuse_operator", "settings"):
            assert list(imports_of(path, package)) == [], path


def test_each_file_of_tests_has_a_name_of_its_own():
    """pytest collects files of one name in two folders of one run as one, and stops."""
    apart = ("slicer", "monai_label", "monai_deploy")  # folders with a run of their own
    files = [
        path.name
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in ("__init__.py", "conftest.py")
        and path.relative_to(ROOT / "tests").parts[0] not in apart
    ]
    assert sorted(set(files)) == sorted(files)
