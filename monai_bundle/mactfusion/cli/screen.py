"""Sentences for who sits at the terminal."""

from __future__ import annotations

import sys
from typing import NoReturn

from rich.console import Console

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def progress_console() -> Console:
    """Where progress is shown: a bar on a terminal, else lines among what is told."""
    return err if err.is_terminal else out


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
