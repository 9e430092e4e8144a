"""Text with names in it where Qt reads markup: tool tips and message boxes."""

from __future__ import annotations

import html


def as_tip(text: str) -> str:
    """Return a text so that Qt shows it as it is, "" where there is none.

    A tool tip cannot be told to be plain: Qt looks for tags, and a volume called ``<b>x</b>`` has
    some. Marked as rich text and escaped, it is shown letter by letter, and long lines are wrapped.
    """
    lines = html.escape(text, quote=False).replace("\n", "<br>")
    return f"<qt>{lines}</qt>" if text else ""
