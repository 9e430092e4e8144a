"""The page of inputs says what the program does now."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "io"))

import inputs_page  # noqa: E402  the folder is named above


@pytest.mark.parametrize(("markers", "table"), inputs_page.TABLES)
def test_the_tables_are_those_of_this_program(markers, table) -> None:
    page = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
    between = page.partition(markers.begins)[2].partition(markers.ends)[0].strip()
    assert between.splitlines() == table().splitlines(), (
        "run python tests/io/inputs_page.py --page docs/inputs.md"
    )
