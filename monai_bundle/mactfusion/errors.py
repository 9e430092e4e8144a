"""What goes wrong on purpose: one clear sentence for the user, never a traceback."""

from __future__ import annotations

import re
import warnings
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping


class InputError(ValueError):
    """The input cannot be fused. The message says what is wrong, in which file, and what to do."""


class FusionCancelled(RuntimeError):
    """The caller asked to stop; nothing was written."""


class FusionWarning(UserWarning):
    """The result is usable, and there is something about it that the user should know."""


_listener: ContextVar[Callable[[str], object] | None] = ContextVar("listener", default=None)
_reader: ContextVar[Callable[[str], object] | None] = ContextVar("reader", default=None)


def warn(message: str) -> None:
    """Say one sentence as a :class:`FusionWarning`, or to the listener of this thread."""
    listener = _listener.get()
    if listener is None:
        warnings.warn(message, FusionWarning, stacklevel=3)
    else:
        listener(message)


@contextmanager
def listening(listener: Callable[[str], object]) -> Iterator[None]:
    """Hand what `warn` says in this thread to ``listener``; an inner one takes an outer's place.

    Threads that are started inside are not heard. ``warnings.catch_warnings`` would mix up the
    sentences of threads, which share one list of filters.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def overhearing(listener: Callable[[str], object]) -> Iterator[None]:
    """Hand each sentence of `warn` in this thread once to ``listener``, and on to who else hears.

    That is an outer listener, and where there is none Python's warnings.
    """
    outer, said = _listener.get(), set()

    def hear(sentence: str) -> None:
        if sentence in said:  # two partners may give cause for the same
            return
        said.add(sentence)
        listener(sentence)
        if outer is not None:
            outer(sentence)
        else:
            warnings.warn(sentence, FusionWarning, stacklevel=4)

    with listening(hear):
        yield


def inform(sentence: str) -> None:
    """Say what is done, to who is being informed; nobody is warned."""
    reader = _reader.get()
    if reader is not None:
        reader(sentence)


@contextmanager
def informing(reader: Callable[[str], object]) -> Iterator[None]:
    """Hand what `inform` says in this thread to ``reader``."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def unheard() -> AbstractContextManager[None]:
    """Drop what `warn` says in this thread: for what the notes of a case say, or a later step."""
    return listening(lambda _: None)


_BEGINS, _ENDS = "\ue000", "\ue001"
_MARKED = re.compile(f"{_BEGINS}(.*?){_ENDS}")


def named(name: str) -> str:
    """Mark the name of a volume in a note, so that the record can put another in its place."""
    return f"{_BEGINS}{name.replace(_BEGINS, '').replace(_ENDS, '')}{_ENDS}"


def with_names(sentence: str, called: Callable[[str], str] = lambda name: name) -> str:
    """Return a note with its marked names, or with what they are called."""
    return _MARKED.sub(lambda found: called(found[1]), sentence)


def note(data: MutableMapping[str, Any], message: str) -> None:
    """Warn about one case and keep the sentence with its data.

    Args:
        data: the dictionary that travels through the recipe; its ``notes`` (one sentence a line)
            end up in the sidecar and in the report.
        message: one sentence, without patient data but for names of volumes, see :func:`named`.
    """
    data["notes"] = f"{data.get('notes', '')}{message}\n"
    warn(with_names(message))
