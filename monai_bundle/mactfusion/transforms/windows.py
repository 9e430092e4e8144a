"""Windows as a user gives them: presets for CT, or level and width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Window = tuple[float, float]
"""Level and width: values from level - width/2 to level + width/2 become 0 to 1."""

WINDOWS: dict[str, Window] = {
    "auto": (50.0, 120.0),
    "brain": (40.0, 80.0),
    "bone": (600.0, 2800.0),
    "stroke": (40.0, 40.0),
    "soft-tissue": (50.0, 400.0),
    "lung": (-600.0, 1500.0),
}
"""Windows for CT in HU. "auto" is what the CT that the network was trained on looks like."""


def parse_window(window: str | Sequence[float]) -> str | Window:
    """Read the choice of a window.

    Args:
        window: "auto", the name of a preset of :data:`WINDOWS`, "level,width", or two numbers.

    Returns:
        "auto", or level and width in the units of the volume.

    Raises:
        InputError: neither of these, or a width that is not positive.

    Example:
        >>> parse_window("brain"), parse_window("40, 80")
        ((40.0, 80.0), (40.0, 80.0))
    """
    if isinstance(window, str):
        name = window.strip().lower()
        if name == "auto":
            return name
        if name in WINDOWS:
            return WINDOWS[name]
    try:
        parts = window.split(",") if isinstance(window, str) else list(window)
        level, width = (float(part) for part in parts)
    except (TypeError, ValueError):
        raise InputError(
            f"Unknown window '{window}': give level,width (two numbers) or one of "
            f"{', '.join(WINDOWS)}."
        ) from None
    if not (math.isfinite(level) and math.isfinite(width) and width > 0):
        raise InputError(f"The window '{window}' needs a finite level and a width above 0.")
    return level, width


def rounded(numbers: Iterable[float]) -> list[float]:
    """Return numbers with the nine digits that tell two of float32 apart, as a record has them."""
    return [float(f"{float(number):.9g}") for number in numbers]
