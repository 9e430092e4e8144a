"""Options and windows of a fusion as a person reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.option_table import OPTIONS
from mactfusion.options import is_default

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_LIST = 12

_SETTLED = ("model", "device")
"""Options of which a record holds what "auto" became, so that no choice can be told from it."""


def chosen_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that differ from their defaults; of several partners if one does.

    Args:
        options: those of :func:`mactfusion.fuse_volumes` as its record has them; others are
            left out.
    """
    return {
        name: value
        for name, value in options.items()
        if name in OPTIONS and name not in _SETTLED and not is_default(name, value)
    }


def readable(value: Any) -> str:
    """Return an option's value as a person writes it, and of a path only the name."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Path):
        return value.name
    if isinstance(value, list | tuple) and len(value) > LONGEST_LIST:
        return f"{len(value)} rows"
    if isinstance(value, list | tuple):
        is_nested = any(isinstance(item, list | tuple) for item in value)
        return ("; " if is_nested else ", ").join(readable(item) for item in value)
    return str(value)


def number_text(number: float) -> str:
    """Return a number rounded to four digits, and only the very large and small with a power."""
    rounded = float(f"{number:.4g}")
    return f"{rounded:.0f}" if 1e4 <= abs(rounded) < 1e9 else f"{rounded:g}"


def with_units(number: float, units: str) -> str:
    """Return a number with four digits and its units, such as ``40 HU``."""
    return f"{number_text(number)} {units}".rstrip()


def window_text(level_width: Sequence[float], units: str) -> str:
    """Return a window in words, such as ``level 40, width 80 HU``."""
    level, width = level_width
    return f"level {number_text(level)}, width {with_units(width, units)}"


def window_ends(level_width: Sequence[float]) -> tuple[float, float]:
    """Return the values at the ends of a window."""
    level, width = level_width
    low = level - width / 2
    # Level and width are rounded in the record; what is left of zero then is no value.
    return (low if abs(low) > width * 1e-5 else 0.0), level + width / 2
