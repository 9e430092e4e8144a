"""Lists whose entries are known only while the panel is used."""

from __future__ import annotations

from typing import Any


def fill(combo: Any, entries: list) -> None:
    """Show entries ``(title, value)``, unless that is what the list has; nobody is told of it."""
    old = [(combo.itemText(index), combo.itemData(index)) for index in range(combo.count)]
    if old != entries:
        was_blocked = combo.blockSignals(True)
        combo.clear()
        for title, value in entries:
            combo.addItem(title, value)
        combo.blockSignals(was_blocked)


def choose(combo: Any, entries: list, value: str) -> None:
    """Show entries, and choose one by its value without telling anybody."""
    fill(combo, entries)
    was_blocked = combo.blockSignals(True)
    combo.currentIndex = [each for _title, each in entries].index(value)
    combo.blockSignals(was_blocked)
