"""Folders of files that belong together by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.io.formats import INPUT_EXTENSIONS, extension_of, pair_of

if TYPE_CHECKING:
    from pathlib import Path


def files_by_stem(folder: Path) -> dict[str, Path]:
    """Files of a folder that can be read, by their names without extension; no hidden ones.

    Raises:
        InputError: two files differ in the extension alone.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        extension = extension_of(path)
        is_hidden = path.name.startswith(".")  # "._scan.nii.gz" of macOS is no volume
        if is_hidden or extension not in INPUT_EXTENSIONS or not path.is_file():
            continue
        if extension == ".img" and pair_of(path)[0].is_file():  # its header stands for both
            continue
        stem = path.name[: -len(extension)]
        if stem in files:
            raise InputError(f"{path} and {files[stem].name} have one name; keep one of them.")
        files[stem] = path
    return files
