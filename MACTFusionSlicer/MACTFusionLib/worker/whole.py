"""Whether a library in Slicer's Python is there, whole, and in which version; none is imported."""

from __future__ import annotations

import importlib
import sys
from importlib import metadata

_CODE = (".py", ".so", ".pyd")


def version_of(name: str) -> str:
    """Return the version of a library that is installed, "" of one that is not, or not whole.

    An installation that was interrupted may leave a library without its files.
    """
    importlib.invalidate_caches()
    try:
        found = metadata.distribution(name)
        version = found.version
    except metadata.PackageNotFoundError:
        return ""
    return version if version and _is_whole(found) else ""


def is_there(requirement: str) -> bool:
    """Tell whether a library is installed in a version that a requirement of pip allows."""
    try:
        from packaging.requirements import Requirement
    except ImportError:  # an older Slicer
        from pip._vendor.packaging.requirements import Requirement
    parsed = Requirement(requirement)
    version = version_of(parsed.name)
    return bool(version) and parsed.specifier.contains(version, prereleases=True)


def is_damaged(requirement: str) -> bool:
    """Tell whether a library is installed, but not whole, which pip would not notice."""
    name = name_of(requirement)
    try:
        return not _is_whole(metadata.distribution(name))
    except metadata.PackageNotFoundError:
        return False


def name_of(requirement: str) -> str:
    """Return the name of a library in a requirement of pip."""
    end = next((i for i, letter in enumerate(requirement) if letter in "<>=!~[; "), None)
    return requirement[:end]


def is_in_use(name: str) -> bool:
    """Tell whether this Slicer has loaded modules of a library."""
    try:
        files = metadata.distribution(name).files or []
    except metadata.PackageNotFoundError:
        return False
    modules = {file.parts[0].partition(".")[0] for file in files if file.suffix in _CODE}
    return any(module in sys.modules for module in modules)


def _is_whole(found: metadata.Distribution) -> bool:
    """Tell whether an installation came to its end, and whether its packages are there.

    pip writes the list of files last. Slicer leaves out files that nobody needs, so not every file
    of that list must be there.
    """
    files = found.files
    if files is None:
        return found.read_text("METADATA") is None or found.read_text("INSTALLER") is not None
    return all(
        found.locate_file(file).is_file()
        for file in files
        if len(file.parts) == 2 and file.name == "__init__.py" and "test" not in file.parts[0]
    )
