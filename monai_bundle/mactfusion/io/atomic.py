"""A file appears complete or not at all."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mactfusion.io.formats import extension_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to, which becomes ``path`` in one step on success.

    The temporary file lies in the same folder (a rename across disks is no single step) and has
    the same extension (writers choose the format by it). After any failure, Ctrl-C included, it is
    gone and ``path`` is as it was.

    Args:
        path: the file to create or replace.

    Yields:
        The name to write to.

    Raises:
        OSError: the file cannot be renamed, for example because ``path`` is a folder.

    Example:
        >>> with atomic_path(Path("report.html")) as temporary:  # doctest: +SKIP
        ...     temporary.write_text(html)
    """
    temporary = path.with_name(f".mactfusion-{uuid.uuid4().hex}{extension_of(path)}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
