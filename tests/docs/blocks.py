"""The blocks of commands and of Python in the pages, in the order printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *("README.md", "CONTRIBUTING.md", "monai_bundle/docs/README.md"),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")),
)
REASONS = (
    "installs",
    "runs whole test suites",
    "trains or measures for long",
    "needs data that do not come with it",
    "holds a placeholder",
    "needs a server",
    "needs the App SDK",
    "needs Docker",
    "needs Slicer, or its parts",
)
"""Why a block is not run in a test; it says so on the line before: ``<!-- not run: REASON -->``."""

FENCE = re.compile(r"^ *```(.*)$")
MARKER = re.compile(r"^<!-- not run: (.*) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: its path from the clone's folder.
        line: of the page, where its text begins, from 1.
        language: the word after the fence.
        text: what is between the fences.
        reason: why it is not run; None if it is.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}, line {self.line}"


def blocks_of(page: str) -> list[Block]:
    """Every fenced block of a page, whatever its language."""
    blocks: list[Block] = []
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    fences = [index for index, line in enumerate(lines) if FENCE.match(line)]
    for start, end in zip(fences[::2], fences[1::2], strict=True):
        marker = MARKER.match(lines[start - 1]) if start else None
        language = FENCE.match(lines[start]).group(1).strip()
        text = "\n".join(lines[start + 1 : end]) + "\n"
        blocks.append(Block(page, start + 2, language, text, marker and marker.group(1)))
    return blocks
