"""The command line: a file for each command, nothing but arguments and sentences.

Imports that bring torch stay inside the commands, so that ``--help`` and refusals come at once.
"""

from __future__ import annotations

import sys
import warnings
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from mactfusion import __version__
from mactfusion.cli.batch import EXAMPLES as BATCH_EXAMPLES
from mactfusion.cli.batch import batch
from mactfusion.cli.colors import colors
from mactfusion.cli.demo import demo
from mactfusion.cli.evaluate import evaluate
from mactfusion.cli.export import export
from mactfusion.cli.fuse import EXAMPLES, fuse
from mactfusion.cli.import_weights import import_weights
from mactfusion.cli.info import info
from mactfusion.cli.models import models
from mactfusion.cli.probe import NUMBERS_BELOW_ZERO, probe
from mactfusion.cli.screen import cancelled, err, fail, out, show
from mactfusion.cli.study import study
from mactfusion.errors import FusionCancelled, InputError
from mactfusion.io.reasons import cannot_be_used
from mactfusion.words import in_commands, worded

INTERRUPTED = 130

# Typer exports one kind of misuse only; its base class is every kind.
UsageError: type[Any] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Fuse MR with CT, PET or SPECT, or CT with PET or SPECT. Not a medical device.",
)
app.command(epilog=EXAMPLES)(fuse)
app.command(epilog=BATCH_EXAMPLES)(batch)
app.command()(info)
app.command(context_settings=NUMBERS_BELOW_ZERO)(probe)
app.command()(models)
app.command()(colors)
app.command()(evaluate)
app.add_typer(study, name="study")
app.command()(demo)
app.command()(export)
app.command(name="import-weights")(import_weights)


def main() -> None:
    """Run the command line; bad input is one sentence on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a file name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:  # libraries warn of what no user of a command can change
        warnings.simplefilter("ignore")
    try:
        code = app(standalone_mode=False, prog_name="mactfusion")
    except UsageError as error:
        fail(misuse(error))
    except InputError as error:
        show_choice(error)
        fail(str(error))
    except OSError as error:
        fail(cannot_be_used(error))
    except (KeyboardInterrupt, FusionCancelled):
        cancelled(INTERRUPTED)
    if code == INTERRUPTED:  # what typer makes of Ctrl-C
        cancelled(INTERRUPTED)
    sys.exit(code)


def show_choice(error: InputError) -> None:
    """Show what there is to choose from where a DICOM source holds several volumes."""
    from mactfusion.io.dicom.choose import SeveralVolumesError

    if isinstance(error, SeveralVolumesError):
        from mactfusion.cli.series import series_table

        show(series_table(error.listing), err)


def misuse(error: Any) -> str:
    """Say in one sentence what is wrong with the words of a command."""
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx else "mactfusion"
    return f"{message} (see '{command} --help')."


def print_version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  its callback answers
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Fuse MR with CT, PET or SPECT, or CT with PET or SPECT. Not a medical device."""
    context.with_resource(worded(in_commands))
    if context.invoked_subcommand is None:
        out.print(context.get_help(), markup=False)
        raise typer.Exit(2)
