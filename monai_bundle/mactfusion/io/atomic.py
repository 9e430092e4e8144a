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
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):  # a folder that could not be made holds nothing to remove
            temporary.unlink(missing_ok=True)
        if not path.exists():
            for folder in missing:
                with suppress(OSError):  # another program has put something there
                    folder.rmdir()
