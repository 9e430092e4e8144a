"""The table of docs/inputs.md: each kind of input, made small, read, and what came of it.

    python tests/io/inputs_page.py [--page docs/inputs.md]

Without a page the table is printed. tests/io/test_inputs_page.py compares the page with a new one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [
    str(HERE),
    str(HERE / "dicom"),
    str(HERE.parents[1]),
    str(HERE.parents[1] / "monai_bundle"),
]

import file_kinds  # noqa: E402  the folders are named above
from dicom_kinds import KINDS  # noqa: E402

from mactfusion.errors import InputError, listening  # noqa: E402
from mactfusion.io.dicom.study import Studies  # noqa: E402
from mactfusion.io.read import read_volume  # noqa: E402
from training.marked_page import Markers, write_between_markers  # noqa: E402

FILES = Markers("<!-- file kinds begin -->", "<!-- file kinds end -->")
DICOM = Markers("<!-- dicom kinds begin -->", "<!-- dicom kinds end -->")


def dicom_table() -> str:
    """Read every kind of DICOM."""
    lines = ["| what lies there | what comes of it |", "| --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        for number, (what, write) in enumerate(KINDS.items()):
            folder = Path(name, f"{number:02d}") / "STUDY"
            folder.mkdir(parents=True)
            options = write(folder) or {}
            lines.append(f"| {what} | {outcome(folder, partial(read_study, folder, options))} |")
    return "\n".join(lines)


def file_table() -> str:
    """Read every kind of file."""
    lines = ["| what lies there | what comes of it |", "| --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        for number, (what, write) in enumerate(file_kinds.KINDS.items()):
            folder = Path(name, f"{number:02d}")
            folder.mkdir()
            path = write(folder)
            read = partial(read_volume, path, frame=file_kinds.FRAMES[what])
            lines.append(f"| {what} | {outcome(path, read)} |")
    return "\n".join(lines)


def read_study(folder: Path, options: dict[str, Any]) -> Any:
    """Read the one volume of a folder."""
    with Studies() as studies:
        return studies.read(folder, studies.series(folder), **options)


def outcome(folder: Path, read: Callable[[], Any]) -> str:
    """Read a source and say what came of it, without the path of this machine."""
    said: list[str] = []
    try:
        with listening(said.append):
            volume = read()
    except InputError as error:
        return f"**refused**: {_plain(str(error), folder)}"
    size = " × ".join(str(count) for count in volume.shape[1:])
    units = f", {volume.meta['units']}" if volume.meta["units"] else ""
    sentences = "".join(f"; said: {_plain(sentence, folder)}" for sentence in said)
    return f"read, {size}{units}{sentences}"


def _plain(sentence: str, folder: Path) -> str:
    return sentence.replace(str(folder), folder.name).replace("|", "\\|")


TABLES = ((DICOM, dicom_table), (FILES, file_table))
"""Markers of the page, and what writes between them."""


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path)
    page = parser.parse_args().page
    if page is None:
        sys.stdout.write("\n".join(table() for _, table in TABLES) + "\n")
    else:
        for markers, table in TABLES:
            write_between_markers(page, markers, table(), is_measured=False)


if __name__ == "__main__":
    main()
