"""The libraries of the worker in Slicer's own Python: what is missing, and how it comes.

Nothing that Slicer brings is replaced: numpy, SimpleITK, requests and torch are pinned to what is
there. torch comes from Slicer's extension PyTorch, which knows the graphics card.
"""

from __future__ import annotations

import importlib
import re
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import slicer
from slicer.i18n import tr as _

_KEPT = ("numpy", "SimpleITK", "requests", "torch", "torchvision", "scipy", "pydicom")
_OLDEST_PYTHON = (3, 10)
_LINE = re.compile(r"^(?P<what>[^#\s]+)\s+#\s*(?P<size>\d+) MB")


class InstallError(Exception):
    """An installation that did not come to its end.

    Args:
        sentence: for the user.
        details: what pip said.
    """

    def __init__(self, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.details = details


@dataclass(frozen=True)
class Library:
    """A line of requirements.txt.

    Attributes:
        requirement: as pip takes it.
        size_mb: about what it and what it needs take on disk.
    """

    requirement: str
    size_mb: int


def required(requirements: Path) -> list[Library]:
    """Read the libraries and their sizes from requirements.txt."""
    found = [_LINE.match(line) for line in requirements.read_text("utf-8").splitlines()]
    return [Library(m["what"], int(m["size"])) for m in found if m]


def missing(requirements: Path) -> list[Library]:
    """Return the libraries that are not there, or not in a version that will do."""
    importlib.invalidate_caches()
    return [library for library in required(requirements) if not _is_there(library.requirement)]


def has_torch() -> bool:
    """Whether PyTorch is installed; it is not imported, as that takes memory and time."""
    importlib.invalidate_caches()
    return bool(_version("torch"))


def question(libraries: list[Library]) -> str:
    """Return what the user is asked before anything is installed."""
    names = "\n".join(f"  • {lib.requirement} ({lib.size_mb} MB)" for lib in libraries)
    return _(
        "The fusion needs libraries that this Slicer does not have yet:\n\n{names}\n\n"
        "About {total} MB are installed into Slicer's Python. Nothing that Slicer brings is "
        "replaced. Install them now?"
    ).format(names=names, total=sum(library.size_mb for library in libraries))


def install(libraries: list[Library], wheels: str = "") -> None:
    """Install libraries with pip; it may be repeated after a failure.

    Args:
        libraries: see :func:`missing`.
        wheels: folder of wheel files to take them from, "" for the package index.

    Raises:
        InstallError: PyTorch is missing, or pip failed.
    """
    if not has_torch():
        raise InstallError(no_torch())
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(pinned()) + "\n", "utf-8")
        arguments = ["-c", str(constraints), *(library.requirement for library in libraries)]
        if wheels:
            arguments = ["--no-index", "--find-links", wheels, *arguments]
        try:
            slicer.util.pip_install(arguments)
        except Exception as error:  # pip's dialogs raise errors of several kinds
            sentence = _(
                "The libraries could not be installed; press Apply to try again, or choose a "
                "folder of wheels under Advanced if this computer is offline."
            )
            raise InstallError(sentence, str(error)) from error


def pinned() -> list[str]:
    """Return pip's constraints: what must stay as it is."""
    versions = [(name, _version(name)) for name in _KEPT]
    return [f"{name}=={version}" for name, version in versions if version]


def too_old() -> str:
    """Return what to do where this Slicer's Python is too old for the library, "" where it will do.

    That is so up to Slicer 5.8, which has Python 3.9.
    """
    if sys.version_info[:2] >= _OLDEST_PYTHON:
        return ""
    return _(
        "This Slicer has Python {found}, and the fusion needs {needed} or newer: use Slicer 5.12, "
        "or name another Python under Advanced."
    ).format(
        found=".".join(str(n) for n in sys.version_info[:2]),
        needed=".".join(str(n) for n in _OLDEST_PYTHON),
    )


def no_torch() -> str:
    """Return what to do where PyTorch is missing."""
    return _(
        "PyTorch is missing: install the extension PyTorch (Extensions Manager), restart Slicer, "
        "and press Install PyTorch in its module; or name another Python under Advanced."
    )


def _is_there(requirement: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ImportError:  # an older Slicer
        from pip._vendor.packaging.requirements import Requirement
    parsed = Requirement(requirement)
    version = _version(parsed.name)
    return bool(version) and parsed.specifier.contains(version, prereleases=True)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
