"""Where the bundle is: its configurations and weights."""

from __future__ import annotations

from pathlib import Path


def bundle_root() -> Path:
    """Folder of the bundle: around the library in a checkout, inside it once installed."""
    library = Path(__file__).parent
    return library.parent if (library.parent / "configs").is_dir() else library / "bundle"
