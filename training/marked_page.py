"""Pages of which a command writes what stands between two markers, and people write the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from training.made import made_line

if TYPE_CHECKING:
    from pathlib import Path


class Markers(NamedTuple):
    """Two lines that a reader of the page does not see."""

    begins: str
    ends: str


def around_markers(page: Path, markers: Markers, heading: str = "") -> tuple[str, str]:
    """Return what stands before and after the two markers of a page.

    Args:
        page: the page.
        markers: its markers.
        heading: what a page that is not there yet starts with.

    Raises:
        InputError: the page has no markers.
    """
    begins, ends = markers
    new = f"{heading}{begins}\n{ends}\n"
    text = page.read_text(encoding="utf-8") if page.exists() else new
    head, has_begun, rest = text.partition(begins)
    _, has_ended, tail = rest.partition(ends)
    if not has_begun or not has_ended:
        raise InputError(f"{page} lacks the lines '{begins}' and '{ends}'; add them, or move it.")
    return head, tail


def write_between_markers(
    page: Path, markers: Markers, text: str, heading: str = "", *, is_measured: bool = True
) -> None:
    """Replace what stands between the two markers of a page.

    Args:
        page: the page; its folder is made where there is none.
        markers: its markers.
        text: what to write between them.
        heading: what a page that is not there yet starts with.
        is_measured: it can differ each time, so that the page says when it was made.

    Raises:
        InputError: the page has no markers.
    """
    head, tail = around_markers(page, markers, heading)
    begins, ends = markers
    text = f"{text}\n\n{made_line()}" if is_measured else text
    page.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(page) as temporary:
        temporary.write_text(f"{head}{begins}\n\n{text}\n\n{ends}{tail}", encoding="utf-8")
