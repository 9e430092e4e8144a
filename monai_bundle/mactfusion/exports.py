"""Packages that offer what their files hold, and import a file only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def exports(package: str, files: Mapping[str, str]) -> tuple[Callable[[str], Any], list[str]]:
    """Return ``__getattr__`` and ``__all__`` of a package whose names are looked up when asked for.

    Args:
        package: its ``__name__``.
        files: name of each file to the names that it offers, with spaces between.

    Example:
        >>> find, names = exports("mactfusion.io", {"formats": "extension_of"})
        >>> names, find("extension_of").__name__
        (['extension_of'], 'extension_of')
    """
    places = {name: file for file, names in files.items() for name in names.split()}

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(import_module(f"{package}.{places[name]}"), name)

    return find, sorted(places)
