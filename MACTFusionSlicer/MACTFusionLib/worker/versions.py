"""Which versions the worker runs with: as it says itself, or as they are installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from .environment import library_folder
from .whole import version_of

if TYPE_CHECKING:
    from .session import Session

_VERSION = re.compile(r"__version__\s*=\s*\"([^\"]+)\"")
_ORDER = (("mactfusion", "MACTFusion"), ("torch", "PyTorch"), ("monai", "MONAI"))


def versions_text(session: Session) -> str:
    """Return a line on the versions of library, PyTorch, CUDA, MONAI and Python.

    Args:
        session: of the worker; one that runs is not asked anew.
    """
    told = session.hello.get("versions")
    if told is None and session.is_external:
        return _("Press Check to see the versions.")
    known = told if told is not None else _installed()
    parts = [f"{title} {known[name]}" for name, title in _ORDER if known.get(name)]
    if told is not None:
        parts.append(f"CUDA {told['cuda']}" if told.get("cuda") else _("without CUDA"))
        parts.append(f"Python {told['python']}")
    return " · ".join(parts)


def _installed() -> dict[str, str]:
    """Return what is in Slicer's own Python, without an import of it."""
    found = {name: version_of(name) for name, _title in _ORDER}
    folder = library_folder()
    if folder is not None:
        source = (folder / "mactfusion" / "__init__.py").read_text("utf-8")
        match = _VERSION.search(source)
        found["mactfusion"] = match[1] if match else found["mactfusion"]
    return found
