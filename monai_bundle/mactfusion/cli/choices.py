"""The options of a fusion as the command line offers them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mactfusion.option_table import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mactfusion.option_entry import Option


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each of :data:`mactfusion.option_table.OPTIONS`.

    Args:
        command: takes them as ``**options``, by their names; there ``output`` must be given.

    Returns:
        The command, with the signature that typer reads.
    """
    own = inspect.signature(command, eval_str=True)
    every = own.parameters.values()
    arguments = [each for each in every if each.kind is each.POSITIONAL_OR_KEYWORD]
    switches = [each for each in every if each.kind is each.KEYWORD_ONLY]
    parameters = [
        *arguments,
        *(_parameter(name, option) for name, option in OPTIONS.items()),
        *switches,
    ]
    command.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _parameter(name: str, option: Option) -> inspect.Parameter:
    is_output = name == "output"  # a command that writes nothing would say nothing
    words = [f"--{name.replace('_', '-')}", *([option.flag] if option.flag else [])]
    if option.default is True:
        words[0] += f"/--no-{words[0][2:]}"
    known = option.choices or option.suggests
    declared: Any = typer.Option(
        *words,
        help=_help(option),
        rich_help_panel=option.group,
        autocompletion=(lambda: list(known)) if known else None,
        min=option.least,
        show_default=option.default not in (None, False, True),
    )
    default = ... if is_output else [option.default] if option.for_each else option.default
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[_type(option), declared],
    )


def _type(option: Option) -> Any:
    if option.for_each:
        return list[str]
    if option.choices:
        return Literal[option.choices]
    return option.kind | None if option.default is None and option.kind is not Path else option.kind


def _help(option: Option) -> str:
    if option.for_each and option.choices:
        return f"{option.help} One of {', '.join(option.choices)}."
    return option.help
