"""Names that a page or a picture of a fusion may be written to, told before the long work begins.

Light: a command that only checks its arguments imports neither torch nor Matplotlib.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.io.names import check_place

if TYPE_CHECKING:
    import os


def check_report(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse a report's name before the long work begins.

    Raises:
        InputError: no ``.html`` name, a folder that cannot be made, or a file of that name and no
            ``overwrite``.
    """
    _check_name(Path(path), overwrite, "report", (".html", ".htm"))


def check_picture(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse the name of a preview, or of a legend, before the long work begins.

    Raises:
        InputError: no ``.png`` name, a folder that cannot be made, or a file of that name and no
            ``overwrite``.
    """
    _check_name(Path(path), overwrite, "picture", (".png",))


def _check_name(path: Path, overwrite: bool, kind: str, extensions: tuple[str, ...]) -> None:
    if path.suffix.lower() not in extensions:
        raise InputError(f"The {kind} {path} must have a name that ends in {extensions[0]}.")
    check_place(path, overwrite, f"The {kind} {path} cannot be written")
