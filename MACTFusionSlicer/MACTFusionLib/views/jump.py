"""Slice views moved to a place, such as that of what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .shown import shown_slices

if TYPE_CHECKING:
    from collections.abc import Sequence


def jump_to(position: Sequence[float]) -> None:
    """Show a place in the middle of every slice view that can be seen.

    Args:
        position: RAS millimetres in the world.
    """
    for view in shown_slices():
        view.JumpSliceByCentering(*position)
