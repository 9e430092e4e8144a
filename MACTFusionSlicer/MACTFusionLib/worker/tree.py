"""The end of a process and of all that it started, on every system, without waiting for any."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from contextlib import suppress
from typing import Any

OWN_GROUP = {"start_new_session": True} if os.name == "posix" else {}
"""Arguments of a process that is to be killed with its children.

On a system with groups of processes it leads its own. It has no terminal either: an ssh that would
ask for a password there says instead that it cannot.
"""


def kill_tree(process: subprocess.Popen) -> None:
    """Kill a process that was started with :data:`OWN_GROUP`, and its children.

    Slicer's Python is a launcher, and the worker its child.
    """
    try:
        import psutil
    except ImportError:  # an older Slicer before the installation of the libraries
        psutil = None
    if psutil is not None:
        _kill_children(psutil, process.pid)
    elif os.name == "nt":
        subprocess.run(  # noqa: S603  a program of the system, with a number
            [_TASKKILL, "/T", "/F", "/PID", str(process.pid)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            logging.debug("MACTFusion: the group of the worker was gone already")
    process.kill()


_TASKKILL = os.path.join(os.environ.get("SYSTEMROOT", ""), "System32", "taskkill.exe")  # noqa: PTH118  no such path exists elsewhere


def _kill_children(psutil: Any, pid: int) -> None:
    with suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.Error):  # gone already; the others must go too
                process.kill()
