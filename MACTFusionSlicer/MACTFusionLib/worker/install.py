"""The libraries of the worker in Slicer's own Python: what is missing, and how it comes.

Nothing that Slicer brings is replaced: numpy, SimpleITK, requests and torch are pinned to what is
there. torch comes from Slicer's extension PyTorch, which knows the graphics card.
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from . import pytorch
from .lock import TakenError, only_one
from .pytorch import has_torch
from .whole import is_damaged, is_in_use, is_there, name_of, version_of

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
    """Return the libraries that are not there, not whole, or not in a version that will do."""
    return [library for library in required(requirements) if not is_there(library.requirement)]


def obstacle() -> str:
    """Return why no installation would help, and what to do instead; "" where it would."""
    if too_old():
        return too_old()
    return "" if has_torch() or pytorch.installer() is not None else no_torch()


def what_is_missing(requirements: Path) -> str:
    """Return what keeps the worker from running in Slicer's own Python, "" where nothing does."""
    if obstacle():
        return obstacle()
    names = [name_of(library.requirement) for library in _wanted(requirements)]
    if not names:
        return ""
    template = _("Libraries are missing ({names}): press Apply to install them.")
    return template.format(names=", ".join(names))


def question(libraries: list[Library], is_again: bool = False) -> str:
    """Return what the user is asked before anything is installed.

    Args:
        libraries: see :func:`install`.
        is_again: likewise.
    """
    wanted = [*_torch(), *libraries]
    names = "\n".join(f"  • {lib.requirement} ({lib.size_mb} MB)" for lib in wanted)
    what = _("The fusion needs libraries that this Slicer does not have yet:")
    if is_again:
        what = _("The libraries of the fusion are installed once more:")
    return _(
        "{what}\n\n{names}\n\nAbout {total} MB are installed into Slicer's Python. Nothing that "
        "Slicer brings is replaced. Install them now?"
    ).format(what=what, names=names, total=sum(library.size_mb for library in wanted))


def install(libraries: list[Library], wheels: str = "", is_again: bool = False) -> str:
    """Install PyTorch where it is missing, and libraries with pip; repeat it after a failure.

    Args:
        libraries: see :func:`missing`, or for another time :func:`required`.
        wheels: folder of wheel files to take them from, "" for the package index.
        is_again: replace what is there.

    Returns:
        What is left to do, as a sentence; "" for nothing.

    Raises:
        InstallError: PyTorch is missing, or pip failed, or another Slicer is installing.
    """
    if obstacle():
        raise InstallError(obstacle())
    before = {lib.requirement: version_of(name_of(lib.requirement)) for lib in libraries}
    used = {lib.requirement for lib in libraries if is_in_use(name_of(lib.requirement))}
    try:
        with only_one():
            if not has_torch():
                pytorch.install_torch()
            if not has_torch():
                raise InstallError(_("PyTorch was not installed; press Apply to try again."))
            _install(libraries, wheels, is_again)
    except InstallError:
        raise
    except TakenError as error:
        sentence = _("Another Slicer is installing libraries; wait for it, and press Apply again.")
        raise InstallError(sentence) from error
    except Exception as error:  # pip's dialogs raise errors of several kinds
        sentence = _(
            "The libraries could not be installed; press Apply to try again, or choose a "
            "folder of wheels under Advanced if this computer is offline."
        )
        raise InstallError(sentence, str(error)) from error
    changed = [
        name_of(requirement)
        for requirement in used
        if is_again or version_of(name_of(requirement)) != before[requirement]
    ]
    if not changed:
        return ""
    template = _("Restart Slicer: it was using what was replaced ({names}).")
    return template.format(names=", ".join(sorted(changed)))


def _install(libraries: list[Library], wheels: str, is_again: bool) -> None:
    """Install with pip; what is damaged, or wanted again, first without what it needs."""
    anew = [lib for lib in libraries if is_again or is_damaged(lib.requirement)]
    offline = ["--no-index", "--find-links", wheels] if wheels else []
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(pinned(anew)) + "\n", "utf-8")
        for options, chosen in ((["--force-reinstall", "--no-deps"], anew), ([], libraries)):
            if chosen:
                pinning = ["-c", str(constraints)]
                # Since Slicer 5.12 that is with a window that tells how it goes, also of errors.
                names = [library.requirement for library in chosen]
                slicer.util.pip_install([*offline, *options, *pinning, *names])


def _wanted(requirements: Path) -> list[Library]:
    return [*_torch(), *missing(requirements)]


def _torch() -> list[Library]:
    return [] if has_torch() else [Library(f"torch>={pytorch.OLDEST}", pytorch.SIZE_MB)]


def pinned(anew: list[Library] = ()) -> list[str]:
    """Return pip's constraints: what must stay as it is.

    Args:
        anew: libraries that are replaced.
    """
    replaced = {name_of(library.requirement).lower() for library in anew}
    versions = [(name, version_of(name)) for name in _KEPT if name.lower() not in replaced]
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
