"""Calls into image libraries: silent, and every failure becomes one sentence."""

from __future__ import annotations

import os
import threading
import warnings
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from mactfusion.errors import FusionCancelled, FusionWarning, InputError
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DAMAGED = "the file is damaged, incomplete or not in the format of its name"

_one_at_a_time = threading.RLock()
"""Warning filters and file descriptors belong to all threads; what two of them change at once
would not come back as it was."""

if hasattr(os, "register_at_fork"):
    # A child is made when no other thread is inside, so it finds the lock free, and both as they
    # should be.
    os.register_at_fork(
        before=_one_at_a_time.acquire,
        after_in_parent=_one_at_a_time.release,
        after_in_child=_one_at_a_time.release,
    )


@contextmanager
def one_sentence(failure: str, otherwise: str = DAMAGED) -> Iterator[None]:
    """Turn whatever a reader raises into one sentence; warnings and standard error stay.

    Args:
        failure: start of the sentence, such as ``"/data/head.nii cannot be read"``.
        otherwise: the reason given when the exception tells none that a user can act on.

    Raises:
        InputError: instead of any exception that is not an ``InputError`` itself, a cancellation,
            or a ``FusionWarning`` that the user has made an error.
    """
    try:
        yield
    except (InputError, FusionCancelled, FusionWarning):
        raise
    except Exception as error:
        raise InputError(f"{failure}: {_reason(error, otherwise)}") from error


@contextmanager
def guarded(failure: str, otherwise: str = DAMAGED, *, prints: bool = True) -> Iterator[None]:
    """Run calls into a library without noise, and turn what they raise into one sentence.

    One thread at a time. Keep own warnings out of the block: they would be lost.

    Args:
        failure: start of the sentence, such as ``"/data/head.nii cannot be read"``.
        otherwise: the reason given when the exception tells none that a user can act on.
        prints: the library prints on standard error, which is `silenced` then.

    Raises:
        InputError: instead of any exception that is not an ``InputError`` or a cancellation itself.
    """
    with (
        one_sentence(failure, otherwise),
        _one_at_a_time,
        warnings.catch_warnings(),
        silenced() if prints else nullcontext(),
    ):
        warnings.simplefilter("ignore")
        yield


def _reason(error: Exception, otherwise: str) -> str:
    from PIL.Image import DecompressionBombError

    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, EOFError):
        return "the file is incomplete, it ends early"
    if isinstance(error, OSError) and error.strerror:
        return reason_of(error)
    if isinstance(error, DecompressionBombError):
        return "it has too many pixels for a picture"
    if "spacing is not supported" in str(error):
        return "its voxel spacing is zero; repair its header"
    if "direction" in str(error):
        return "its axes are singular or not perpendicular; repair its header"
    return otherwise


@contextmanager
def silenced() -> Iterator[None]:
    """Turn the file descriptor of standard error away.

    Libraries below ITK and Pillow (MetaIO, libtiff, libjpeg, GDCM) print on it whatever the
    settings are. What other threads write meanwhile is lost too, so keep the block short.
    """
    with _one_at_a_time:
        try:
            original = os.dup(2)
        except OSError:  # a process without a console has nothing to silence
            yield
            return
        try:
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (devnull is no path of the user)
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            with suppress(OSError):
                os.dup2(original, 2)
            os.close(original)
