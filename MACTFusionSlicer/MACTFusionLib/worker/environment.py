"""Which Python runs the worker, and with which environment variables."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import stat
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import slicer

VARIABLE = "MACTFUSION_PYTHON"
"""Names the interpreter where neither settings nor the panel do, as in tests and scripts."""

_LOGS = "mactfusion-panel-"
_NOT_FOR_OTHERS = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONNOUSERSITE")


def library_folder() -> Path | None:
    """Return the folder that holds the library ``mactfusion`` which came with the extension."""
    module = Path(__file__).resolve().parents[2]
    for folder in (module / "Resources" / "monai_bundle", module.parent / "monai_bundle"):
        if (folder / "mactfusion" / "__init__.py").is_file():
            return folder
    return None


def own_python() -> str:
    """Return the interpreter of this Slicer."""
    return shutil.which("PythonSlicer") or sys.executable


def external_python(chosen: str) -> str:
    """Return the interpreter that was named by the user or by the environment, "" for Slicer's."""
    return chosen.strip() or os.environ.get(VARIABLE, "")


def worker_command(chosen: str) -> list[str]:
    """Return the command of the worker.

    Args:
        chosen: an external interpreter, "" for Slicer's own.
    """
    python = external_python(chosen)
    if os.path.dirname(python):  # noqa: PTH120  "python" alone is looked up
        python = os.path.abspath(python)  # noqa: PTH100  the worker runs in another folder
    # Slicer's Python is a launcher: the worker's parent, which may live longer than Slicer.
    entry = ["-m", "mactfusion.worker", "--asker", str(os.getpid())]
    return [python or own_python(), *entry]


def remote_command(line: str) -> list | str:
    """Return the command that connects to a worker elsewhere.

    Args:
        line: as in a terminal, such as ``ssh gpu-server /opt/mactfusion/bin/python -m
            mactfusion.worker``; no shell reads it on this computer.

    Raises:
        ValueError: a quotation mark is missing.
    """
    # Windows has backslashes in paths, and cuts the line itself.
    return line.strip() if os.name == "nt" else shlex.split(line)


def worker_environment(chosen: str) -> dict[str, str]:
    """Return the environment variables of the worker.

    Slicer's variables would make another Python load Slicer's libraries; so an external one gets
    those that Slicer was started with. It uses the library that is installed there.
    """
    # "-m" would put the folder where it runs before all libraries; see also work_folder().
    safe = {"PYTHONSAFEPATH": "1"}
    if external_python(chosen):
        return {**environment_of_others(), **safe}
    folder = library_folder()
    path = [str(folder)] if folder else []
    path += [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **safe}


def work_folder() -> Path:
    """Return the folder where the worker runs: one of the extension, without any module.

    Python 3.10 looks for modules there first, whatever the environment says.
    """
    return Path(__file__).resolve().parents[2] / "Resources"


def environment_of_others() -> dict[str, str]:
    """Return the environment variables of programs that are not Slicer's."""
    start = slicer.util.startupEnvironment() if hasattr(slicer, "app") else os.environ
    return {name: value for name, value in start.items() if name not in _NOT_FOR_OTHERS}


def log() -> Path:
    """Return the file that holds what the worker says besides replies; its size is bounded."""
    return _log_folder() / "worker.log"


def remove_log() -> None:
    """Remove the log and its folder, at the end of the panel."""
    shutil.rmtree(_log_folder(), ignore_errors=True)
    _log_folder.cache_clear()


@lru_cache(maxsize=1)
def _log_folder() -> Path:
    """Make a folder that nobody else can read; it goes with the application at the latest.

    One that was killed leaves its folder, which the next removes.
    """
    _remove_folders_of_the_dead(Path(tempfile.gettempdir()))
    folder = tempfile.mkdtemp(prefix=f"{_LOGS}{os.getpid()}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _remove_folders_of_the_dead(where: Path) -> None:
    try:
        import psutil
    except ImportError:  # an older Slicer before the installation of the libraries
        return
    for folder in where.glob(f"{_LOGS}*-*"):
        pid = folder.name[len(_LOGS) :].partition("-")[0]
        if pid.isdecimal() and _is_own(folder) and not _made_by_living(psutil, int(pid), folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:  # another application was quicker
        return False
    return stat.S_ISDIR(status.st_mode) and (os.name == "nt" or status.st_uid == os.getuid())


def _made_by_living(psutil: Any, pid: int, folder: Path) -> bool:
    """Tell whether the folder's maker lives; a process that is younger has its number by chance."""
    try:
        process = psutil.Process(pid)
        is_dead = process.status() == psutil.STATUS_ZOMBIE
        # The clock of a process is coarse.
        return not is_dead and process.create_time() <= folder.stat().st_mtime + 1
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True
