"""A self-contained HTML page, made from a template and written in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.reasons import reason_of

LIBRARY = Path(__file__).resolve().parents[1]


def write_page(path: Path, template: Path, **values: Any) -> Path:
    """Fill a template and write the page, so that nobody ever sees half of it.

    A folder that is missing is made.

    Args:
        path: the HTML file; replaced as a whole when it exists.
        template: a Jinja file; what it includes lies beside it, or is named by its way from the
            library's folder.
        values: all that the template names.

    Returns:
        The path of the file.

    Raises:
        InputError: the file cannot be written.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, LIBRARY]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template(template.name).render(values)
    try:
        with atomic_path(path) as unfinished:
            # A file name that is no UTF-8 shows its bytes.
            unfinished.write_text(page, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise InputError(f"The page cannot be written to {path}: {reason_of(error)}.") from error
    return path
