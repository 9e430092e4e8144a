"""A folder of DICOM images appears complete or not at all, and replaces nothing of others."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mactfusion.io.atomic import made_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMPLEMENTATION_UID = "2.25.322080074093602033362171423849996530909"
"""Marks the files that this program wrote (Implementation Class UID, PS3.7 D.3.3.2)."""


def foreign_file(folder: Path) -> str | None:
    """Return the name of something in a folder that this program did not write, if there is any.

    Args:
        folder: of which each entry is looked at, hidden ones too.
    """
    return next((path.name for path in sorted(folder.iterdir()) if not is_own(path)), None)


def is_own(path: Path) -> bool:
    """Tell whether this is a DICOM file that this program wrote."""
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info

    if path.is_symlink() or not path.is_file():
        return False
    try:
        meta = read_file_meta_info(path)
        return str(meta.get("ImplementationClassUID", "")) == IMPLEMENTATION_UID
    except (InvalidDicomError, OSError, ValueError, AttributeError, EOFError):
        return False


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to write into, which takes the place of ``folder`` on success.

    It lies beside it. A folder that was there is put aside, and removed once the new one is in its
    place; after any failure it is as it was.

    Args:
        folder: the folder to create or replace.

    Yields:
        The folder to write into, empty.

    Raises:
        OSError: it cannot be made or renamed.
    """
    folder = folder.resolve()  # a link stays one
    temporary = folder.with_name(f".mactfusion-{uuid.uuid4().hex}")
    aside = folder.with_name(f"{temporary.name}-old")
    with made_folder(folder.parent):
        try:
            temporary.mkdir()
            yield temporary
            if folder.exists():
                folder.rename(aside)
            temporary.rename(folder)
        except BaseException:
            if aside.exists() and not folder.exists():
                aside.rename(folder)
            raise
        finally:
            for leftover in (temporary, aside):
                shutil.rmtree(leftover, ignore_errors=True)
