"""Lists of what can be read, where the library's own cannot be asked for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mactfusion.io.formats import (
    DICOM_EXTENSION,
    INPUT_EXTENSIONS,
    OUTPUT_EXTENSIONS,
    PICTURE_EXTENSIONS,
)

ROOT = Path(__file__).resolve().parents[1]
VOLUMES = {each for each in INPUT_EXTENSIONS if each not in PICTURE_EXTENSIONS}


def listed(path: str, name: str) -> set[str]:
    """A tuple of texts that a file sets, without importing it."""
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return set(eval(ast.unparse(node.value)))
    raise AssertionError(f"{path} sets no {name}")


def test_the_panel_takes_the_volumes_that_the_library_reads() -> None:
    assert listed("MACTFusionSlicer/MACTFusionLib/folders.py", "READABLE") == VOLUMES


def test_monai_label_returns_volumes_that_the_library_writes() -> None:
    volumes = {each for each in OUTPUT_EXTENSIONS if each in VOLUMES}
    assert listed("monai_label/lib/choice.py", "EXTENSIONS") <= {*volumes, DICOM_EXTENSION}


def test_the_page_of_inputs_names_each_ending_of_a_volume() -> None:
    text = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
    sentence = text.partition("- **Files**:")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\.[a-z.]+)`", sentence)) == VOLUMES
