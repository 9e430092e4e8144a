"""``mactfusion colors``: what can be read from colour tables."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from mactfusion.cli.screen import show, tell
from mactfusion.transforms.color_names import (
    DICOM_PALETTES,
    IRONS,
    METALS,
    TABLES_OF_TRACERS,
    check_color_table,
)

MEASURED = (*METALS, *IRONS, *DICOM_PALETTES)
"""Tables that are listed without names."""


def colors(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Colour tables, see --colormap of fuse.", show_default=False),
    ] = None,
    mode: Annotated[
        Literal["legible", "ycbcr"],
        typer.Option("--colors", help="How brightness and colours meet."),
    ] = "legible",
) -> None:
    """Measure what colours say about uptake at any brightness, also to the colour-blind."""
    auto = TABLES_OF_TRACERS[mode][0]
    asked = [auto if name.casefold() == "auto" else name for name in names or MEASURED]
    for name in asked:
        check_color_table(name)

    from mactfusion.trust.readable import Promise, promise_of

    promises: dict[str, Promise] = {name: promise_of(name, mode) for name in asked}
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("table", "reader"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rank", "error, %", "95 %, %", "least ΔE"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, promise in promises.items():
        for reader, reading in promise.readings.items():
            errors = (f"{100 * error:.0f}" for error in (reading.error, reading.error_95))
            numbers = (f"{reading.rank:.3f}", *errors, f"{reading.difference:.3f}")
            table.add_row(name if reader == "normal" else "", reader, *numbers)
    show(table)
    for name, promise in promises.items():
        tell(f"{name} {promise.sentence}.")
