"""Two folders of files that belong together by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.batch.plan import Study
from mactfusion.errors import InputError
from mactfusion.io.folder import files_by_stem

if TYPE_CHECKING:
    from pathlib import Path


def studies_of_folders(anatomical: Path, partner: Path) -> list[Study]:
    """Pair the files of two folders that have one name but for the extension.

    Args:
        anatomical: folder of anatomical volumes or pictures.
        partner: folder of their partners.

    Returns:
        A study for each name; left out where one folder alone has it.

    Raises:
        InputError: they have no name in common, or two files of a folder one name.
    """
    first, second = files_by_stem(anatomical), files_by_stem(partner)
    if not set(first) & set(second):
        raise InputError(f"{anatomical} and {partner} have no file names in common.")
    studies = []
    for name in sorted(set(first) | set(second)):
        if name not in second:
            reason = f"{partner} has no file of this name"
        elif name not in first:
            reason = f"{anatomical} has no file of this name"
        else:
            reason = ""
        partners = (second[name],) if name in second else ()
        studies.append(Study(name, first.get(name), partners, left_out=reason))
    return studies
