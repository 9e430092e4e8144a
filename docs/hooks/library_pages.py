"""The pages of the library: one for each of its rooms, made from the docstrings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from page_tables import table
from site_addresses import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIBRARY = ROOT / "monai_bundle" / "mactfusion"
FOLDER = "reference/api"
FIRST = ("pipeline.fuse_volumes", "result.FusionResult", "probing.probe")
"""What most programs need; it opens the first page."""

LEFT_OUT = ("__main__", "cli", "demo", "exports", "lean", "worker")
"""Programs, which have pages of their own, and what holds the house together."""

ROOM_OPTIONS = """    options:
      members: false
      show_root_heading: false
      show_root_toc_entry: false
"""
"""Of the block that shows what a room says of itself, under the heading of its page."""

HEAD = """# Python

`from mactfusion import fuse_volumes` is all that most programs need. The options of a fusion are on
[a page of their own](../configuration.md); the parts that it is made of are in these rooms:

{rooms}
"""


def library_pages() -> dict[str, str]:
    """Return text by address of every page of the library."""
    rooms = [path.name for path in sorted(LIBRARY.iterdir()) if (path / "__init__.py").is_file()]
    pages = {room: _page(room, LIBRARY / room) for room in rooms if room not in LEFT_OUT}
    named = [
        [f"[`mactfusion.{room}`]({room}.md)", summary(LIBRARY / room / "__init__.py")]
        for room in pages
    ]
    blocks = "\n\n".join(_block(f"mactfusion.{name}") for name in FIRST)
    first = f"{HEAD.format(rooms=table(['room', 'what is in it'], named))}\n{blocks}\n\n{_others()}"
    return {
        f"{FOLDER}/README.md": first,
        **{f"{FOLDER}/{room}.md": text for room, text in pages.items()},
    }


def summary(file: Path) -> str:
    """Return the first line of a file's docstring."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def _others() -> str:
    opened = {name.partition(".")[0] for name in FIRST}
    files = [path for path in sorted(LIBRARY.glob("*.py")) if path.stem != "__init__"]
    return "\n\n".join(
        _block(f"mactfusion.{path.stem}")
        for path in files
        if path.stem not in (*LEFT_OUT, *opened) and _shows(path)
    )


def _page(room: str, folder: Path) -> str:
    whole = f"{_block(f'mactfusion.{room}')}\n{ROOM_OPTIONS}"
    parts = [f"# mactfusion.{room}", whole, *map(_block, _modules(room, folder))]
    return "\n\n".join(parts) + "\n"


def _modules(room: str, folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder).with_suffix("").parts
        if inside != ("__init__",) and _shows(path):
            inner = inside[:-1] if inside[-1] == "__init__" else inside
            yield ".".join(("mactfusion", room, *inner))


def _shows(path: Path) -> bool:
    """Whether a file has something public to show."""
    return any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
    )


def _block(name: str) -> str:
    return f"::: {name}"
