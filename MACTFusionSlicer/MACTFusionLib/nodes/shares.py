"""Shares in per cent, in words."""

from __future__ import annotations

from slicer.i18n import tr as _


def percent(share: float) -> str:
    """Return a share in per cent; what is not nothing is not called 0 %, nor nearly all 100 %.

    Args:
        share: 0 to 1.
    """
    if 0 < share < 0.01:
        return _("less than 1 %")
    if 0.99 < share < 1:
        return _("more than 99 %")
    return _("{number} %").format(number=round(100 * share))
