"""An option as who asked knows it: ``--register rigid``, ``register='rigid'``, or a button."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Words = Callable[[str, "str | bool | None"], str]
"""Called with the name of an option and its value, None for any; returns how one way in says it."""

_words: ContextVar[Words | None] = ContextVar("words", default=None)


def option(name: str, value: str | bool | None = None) -> str:
    """Return how a sentence of this thread calls an option.

    Args:
        name: see :data:`mactfusion.option_table.OPTIONS`.
        value: the one that is meant, True for a switch, or None where it is left open.
    """
    return (_words.get() or in_commands)(name, value)


@contextmanager
def worded(words: Words) -> Iterator[None]:
    """Let the sentences of this thread call options in these words, unless others are chosen."""
    token = _words.set(_words.get() or words)
    try:
        yield
    finally:
        _words.reset(token)


def in_commands(name: str, value: str | bool | None = None) -> str:
    """Say an option as on the command line.

    Example:
        >>> in_commands("accept_doubtful", True), in_commands("register", "off")
        ('--accept-doubtful', '--register off')
    """
    flag = f"--{name.replace('_', '-')}"
    return f"{flag} {value}" if isinstance(value, str) else flag


def in_python(name: str, value: str | bool | None = None) -> str:
    """Say an option as :func:`mactfusion.fuse_volumes` and MONAI Label take it.

    Example:
        >>> in_python("register", "off"), in_python("weights")
        ("register='off'", 'the option weights')
    """
    return f"the option {name}" if value is None else f"{name}={value!r}"
