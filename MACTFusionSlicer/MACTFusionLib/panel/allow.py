"""What cannot be used now says why."""

from __future__ import annotations

from typing import Any

from ..plain import as_tip

_OWN = "ownToolTip"


def allow(widget: Any, reason: str = "") -> None:
    """Enable a widget, or disable it and say why in its tooltip.

    Args:
        widget: a widget of the panel; what it does is the tooltip of the .ui file.
        reason: why it cannot be used now, "" where it can.
    """
    if widget.property(_OWN) is None:
        widget.setProperty(_OWN, widget.toolTip)
    widget.enabled = not reason
    has_markup = "<" in reason or "&" in reason
    widget.toolTip = (as_tip(reason) if has_markup else reason) or widget.property(_OWN)
