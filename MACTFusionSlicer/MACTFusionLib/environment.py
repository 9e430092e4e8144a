"""Which Python runs the worker, and with which environment variables."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import slicer

VARIABLE = "MACTFUSION_PYTHON"
"""Names the interpreter where neither settings nor the panel do, as in tests and scripts."""

_NOT_FOR_OTHERS = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONNOUSERSITE")


def library_folder() -> Path | None:
    """Return the folder that holds the library ``mactfusion`` which came with the extension."""
    module = Path(__file__).resolve().parents[1]
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
    return [external_python(chosen) or own_python(), "-m", "mactfusion.worker", "--log", str(log())]


def worker_environment(chosen: str) -> dict[str, str]:
    """Return the environment variables of the worker.

    Slicer's variables would make another Python load Slicer's libraries; so an external one gets
    those that Slicer was started with. It uses the library that is installed there.
    """
    if external_python(chosen):
        start = slicer.util.startupEnvironment() if hasattr(slicer, "app") else os.environ
        return {name: value for name, value in start.items() if name not in _NOT_FOR_OTHERS}
    folder = library_folder()
    path = [str(folder)] if folder else []
    path += [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def log() -> Path:
    """Return the file that holds what the worker says besides replies; its size is bounded."""
    return _log_folder() / "worker.log"


def remove_log() -> None:
    """Remove the log and its folder, at the end of the panel."""
    shutil.rmtree(_log_folder(), ignore_errors=True)
    _log_folder.cache_clear()


@lru_cache(maxsize=1)
def _log_folder() -> Path:
    """Make a folder that nobody else can read; it goes with the application at the latest."""
    folder = tempfile.mkdtemp(prefix="mactfusion-panel-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
