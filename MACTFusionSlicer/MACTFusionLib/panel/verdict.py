"""Good or bad at a glance: an icon whose shape tells as much as its colour, and coloured text."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

GOOD, UNSURE, BAD, UNKNOWN, BUSY = "good", "unsure", "bad", "unknown", "busy"

MARKS = {GOOD: "✓", UNSURE: "⚠", BAD: "✗", UNKNOWN: "–", BUSY: "…"}
"""In front of a line where several lines share one icon."""

COLORS = {  # on light, on dark
    GOOD: ("#1b5e20", "#81c995"),
    UNSURE: ("#7a4f00", "#ffd166"),
    BAD: ("#b3261e", "#ff8a80"),
}
"""Of text; what is not known has the usual colour."""

_WORST_FIRST = (BAD, UNSURE, UNKNOWN, BUSY, GOOD)
_ICONS = Path(__file__).resolve().parents[2] / "Resources" / "Icons"


def worst_of(levels: list) -> str:
    """Return the level that a reader must not miss; ``UNKNOWN`` of none."""
    return next((level for level in _WORST_FIRST if level in levels), UNKNOWN)


def lines_text(lines: list) -> str:
    """Return lines ``(sentence, level)`` as one text; several have a mark in front of each."""
    if len(lines) == 1:
        return str(lines[0][0])
    return "\n".join(f"{MARKS[level]} {sentence}" for sentence, level in lines)


def show_verdict(icon: Any, label: Any, lines: list) -> None:
    """Show lines beside the icon of the worst of them.

    Args:
        icon: label of the icon.
        label: of the text.
        lines: ``(sentence, level)`` each; [] hides both.
    """
    level = worst_of([level for _sentence, level in lines])
    label.text = lines_text(lines) if lines else ""
    colour_as(label, level)
    for widget in (icon, label):
        widget.setVisible(bool(lines))
    if icon.accessibleDescription != level:
        icon.setPixmap(_pixmap(level))
        icon.accessibleDescription = level
    icon.accessibleName = _names()[level]


def colour_as(label: Any, level: str) -> None:
    """Colour the text of a label, on a light or dark ground, by a level."""
    # The label's own palette stays as it was when it was coloured first.
    is_dark = label.window().palette.color(qt.QPalette.Window).lightness() < 128
    pair = COLORS.get(level)
    style = "" if pair is None else f"color: {pair[is_dark]}"
    if label.styleSheet != style:  # a new style lays everything out again
        label.styleSheet = style


def colour_as_warning(label: Any, is_warning: bool) -> None:
    """Colour the text of a label as a warning or as usual."""
    colour_as(label, BAD if is_warning else UNKNOWN)


def _names() -> dict:
    """Return what a screen reader says of the icon."""
    return {
        GOOD: _("In place"),
        UNSURE: _("Look yourself"),
        BAD: _("Does not fit"),
        UNKNOWN: _("Not known"),
        BUSY: _("Looking"),
    }


@lru_cache(maxsize=8)
def _pixmap(level: str) -> Any:
    return qt.QPixmap(str(_ICONS / f"verdict-{level}.png"))
