"""Bad input ends a command with one sentence and exit code 2."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from mactfusion.errors import InputError
from mactfusion.io.reasons import cannot_be_used

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def refusals() -> Iterator[None]:
    """Turn bad input, and files that cannot be read or written, into that sentence."""
    try:
        yield
    except (InputError, OSError) as error:
        reason = str(error)
        if isinstance(error, OSError):
            reason = f"{cannot_be_used(error)}."
        typer.echo(f"Error: {reason}", err=True)
        raise typer.Exit(2) from error
