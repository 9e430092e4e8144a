"""A page that people write, with old tables between the markers of a command."""

from __future__ import annotations

BEFORE, OLD, AFTER = "before\n", "\nold\n", "\nafter\n"


def write_by_hand(page, markers):
    """Write the page, in a folder that is made for it."""
    page.parent.mkdir()
    page.write_text(f"{BEFORE}{markers.begins}{OLD}{markers.ends}{AFTER}")
    return page


def read_with_new_tables(page):
    """Return the page's text, of which the old tables, and nothing else, are gone."""
    text = page.read_text()
    assert text.startswith(BEFORE)
    assert text.endswith(AFTER)
    assert OLD not in text
    return text
