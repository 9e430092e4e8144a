"""A file appears complete or not at all."""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mactfusion.io.formats import extension_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to, which becomes ``path`` in one step on success.

    The temporary file lies in the same folder (a rename across disks is no single step) and has
    the same extension (writers choose the format by it). A folder that is missing is made. After
    any failure, Ctrl-C included, both are gone and ``path`` is as it was.

    Args:
        path: the file to create or replace.

    Yields:
        The name to write to.

    Raises:
        OSError: the folder cannot be made, or the file not be renamed, for example because
            ``path`` is a folder.

    Example:
        >>> with atomic_path(Path("report.html")) as temporary:  # doctest: +SKIP
        ...     temporary.write_text(html)
    """
    temporary = path.with_name(f".mactfusion-{uuid.uuid4().hex}{extension_of(path)}")
    with made_folder(path.parent):
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder where it is missing; after any failure it is gone, unless something is in it.

    Raises:
        OSError: it cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for each in missing:
            with suppress(OSError):  # never made, or another program has put something there
                each.rmdir()
        raise
