"""What a run of the bundle leaves uncaught: one sentence for bad input, a traceback for a fault."""

from __future__ import annotations

import errno
import sys
import threading
from multiprocessing.dummy import DummyProcess
from typing import TYPE_CHECKING, NoReturn

from mactfusion.errors import InputError
from mactfusion.io.reasons import cannot_be_used

if TYPE_CHECKING:
    from types import TracebackType

LONGEST_PICTURE = 60.0
"""Seconds that one picture of a cache may take to be read."""


def end_in_a_sentence() -> None:
    """Let bad input end this process with its sentence and exit code 2.

    MONAI raises errors of its own around those of a transform, and ``python -m monai.bundle``
    prints all their tracebacks. A program that has a hook for uncaught errors keeps it.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _report


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _let_readers_end()
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputError):
            _refuse(str(cause))
        if isinstance(cause, OSError) and (cause.filename or cause.errno == errno.ENOSPC):
            _refuse(f"{cannot_be_used(cause)}.")
        cause = cause.__cause__  # what was merely handled before is not why this was raised
    sys.__excepthook__(kind, error, trace)


def _refuse(sentence: str) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.write(f"Error: {sentence}\n")
    raise SystemExit(2)  # which Python heeds in this place


def _let_readers_end() -> None:
    """Wait for what the threads of a left pool are at: MONAI's caches do not.

    Python ends a daemon thread where it stands, and compiled code of PyTorch then aborts the
    process instead.
    """
    for thread in threading.enumerate():
        if isinstance(thread, DummyProcess):
            thread.join(timeout=LONGEST_PICTURE)
