"""A private folder for volumes, which nobody else can read and which does not stay behind."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import psutil

from mactfusion.worker.protocol import RequestError

_PREFIX = "mactfusion-worker-"


def make_private_folder() -> Path:
    """Make a folder with mode 0700, named after this process.

    Folders of processes that ended without removing theirs are removed first.
    """
    _remove_stale_folders(Path(tempfile.gettempdir()))
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def remove_folder(folder: Path) -> None:
    """Remove the folder with all that is in it; what is in use on Windows stays."""
    shutil.rmtree(folder, ignore_errors=True)


def file_in(folder: Path, name: str) -> Path:
    """Return the path of a file in the folder.

    Raises:
        RequestError: the name leads elsewhere, or to no plain file.
    """
    path = folder / name
    if Path(name).name != name or path.is_symlink() or not path.is_file():
        raise RequestError("bad-request", "The volume's file is not in the worker's folder.")
    return path


def _remove_stale_folders(where: Path) -> None:
    for folder in where.glob(f"{_PREFIX}*-*"):
        pid = folder.name[len(_PREFIX) :].partition("-")[0]
        if pid.isdecimal() and _is_own(folder) and not _made_by_living(int(pid), folder):
            remove_folder(folder)


def _is_own(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:  # another worker was quicker
        return False
    return stat.S_ISDIR(status.st_mode) and (os.name == "nt" or status.st_uid == os.getuid())


def _made_by_living(pid: int, folder: Path) -> bool:
    """Tell whether the folder's maker lives; a process that is younger has its number by chance."""
    try:
        started = psutil.Process(pid).create_time()
        changed = folder.stat().st_mtime
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True
    return started <= changed + 1  # the clock of a process is coarse
