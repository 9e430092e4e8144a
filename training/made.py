"""When figures were made, and from which state of the code."""

from __future__ import annotations

import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

from mactfusion import __version__

ROOT = Path(__file__).resolve().parents[1]


def made_line(folder: Path = ROOT) -> str:
    """Return a line for a page: day, commit, version and PyTorch's version.

    Pages and pictures in ``docs/`` do not count as changes of the code: figures change them.

    Args:
        folder: of the clone; where it is none, the line has no commit.
    """
    parts = [f"Written on {date.today().isoformat()}", f"version {__version__}"]
    if commit := _git(folder, "rev-parse", "--short=7", "HEAD"):
        changed = _git(folder, "status", "--porcelain", "--", ".", ":!docs")
        parts.insert(1, f"commit `{commit}`{' with changes' if changed else ''}")
    parts.append(f"PyTorch {version('torch')}")
    return f"*{', '.join(parts)}.*"


def _git(folder: Path, *words: str) -> str:
    """Return what git prints; nothing where there is no git, or no clone."""
    try:
        done = subprocess.run(  # noqa: S603  the words are those above
            ["git", *words],  # noqa: S607  whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
