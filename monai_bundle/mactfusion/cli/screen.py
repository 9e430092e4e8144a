"""Sentences for who sits at the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

out = Console(soft_wrap=True, highlight=False)
_WIDE = 200
"""Characters of a line where nobody says how many there are."""

err = Console(stderr=True, soft_wrap=True, highlight=False)


def progress_console() -> Console:
    """Where progress is shown: a bar on a terminal, else lines among what is told."""
    return err if err.is_terminal else out


def show(table: Table, console: Console = out) -> None:
    """Print a table; in a file or a pipe it is as wide as its words."""
    wide = console if console.is_terminal else Console(file=console.file, width=_WIDE)
    wide.print(table)


def tell(sentence: str) -> None:
    """Say what is done."""
    out.print(sentence, markup=False)


def caution(sentence: str) -> None:
    """Say what the user should know."""
    err.print(f"Warning: {sentence}", style="yellow", markup=False)


def complain(sentence: str) -> None:
    """Say what is wrong, and go on."""
    err.print(f"Error: {sentence}", style="red", markup=False)


def fail(sentence: str) -> NoReturn:
    """Say what is wrong and stop."""
    complain(sentence)
    sys.exit(2)


def cancelled(code: int) -> NoReturn:
    """Say that the user stopped the run, and stop."""
    err.print("Cancelled; no unfinished file was left.")
    sys.exit(code)


def ignore(sentence: str) -> None:
    """Say nothing: the user asked for silence."""
