"""PyTorch in Slicer's own Python: it comes through Slicer's extension, which knows the card."""

from __future__ import annotations

from typing import Any

from .whole import version_of

OLDEST = "2.4"
SIZE_MB = 3000
"""About what it takes on disk with a graphics card; without one less than a third."""


def has_torch() -> bool:
    """Whether PyTorch is installed and whole; it is not imported, as that takes memory and time."""
    version = version_of("torch")
    numbers = [int(part) for part in version.partition("+")[0].split(".")[:2] if part.isdigit()]
    return numbers >= [int(part) for part in OLDEST.split(".")]


def installer() -> Any:
    """Return the logic of the extension PyTorch, None where the extension is missing or too old."""
    try:
        import PyTorchUtils
    except ImportError:
        return None
    logic = getattr(PyTorchUtils, "PyTorchUtilsLogic", None)
    return logic() if hasattr(logic, "installTorch") else None


def install_torch() -> None:
    """Install PyTorch as it fits the graphics card; whoever calls has asked already.

    Raises:
        Exception: of many kinds, where the installation failed.
    """
    installer().installTorch(askConfirmation=False, torchVersionRequirement=f">={OLDEST}")
