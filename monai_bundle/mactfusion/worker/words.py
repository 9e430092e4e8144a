"""Options as the panel in 3D Slicer shows them."""

from __future__ import annotations

from mactfusion.words import in_python

_ADVANCED = "under Advanced"

_SHOWN: dict[tuple[str, str | bool | None], str] = {
    ("register", "rigid"): "the button 'Register'",
    ("register", "off"): f"'Registration: Off' {_ADVANCED}",
    ("accept_doubtful", True): f"'Also where it is doubtful' {_ADVANCED}",
    ("grid", "isotropic"): f"'Grid: Cubic voxels' {_ADVANCED}",
    ("device", "cpu"): f"'Device: CPU' {_ADVANCED}",
    ("weights", None): f"'Weights' {_ADVANCED}",
    ("task", None): "'Task'",
    ("window", "level,width"): "a window in its display",
    ("tint", "ct"): "'Tint: Bright CT is bluish' under Look of the result",
    ("anonymous", True): "'Without patient data' in 'Save as DICOM'",
    ("format", "dicom"): "'A series' in 'Save as DICOM'",
    ("colormap", None): "a colour table in the display",
}
"""What the panel offers, in the words of its widgets."""


def in_panel(name: str, value: str | bool | None = None) -> str:
    """Say an option as the panel does; one that it lacks by its name."""
    return _SHOWN.get((name, value)) or in_python(name, value)
