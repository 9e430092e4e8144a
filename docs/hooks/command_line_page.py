"""The page of the command line, made from the commands themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import typer

from mactfusion.cli import app
from page_tables import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """# Command line

What `mactfusion COMMAND --help` says, of version {version}. An option that may be given several
times is marked "repeat".
"""
OTHER = "Other options"


def command_line_page(version: str) -> str:
    """Return the page: every command with its arguments and options."""
    group: Any = typer.main.get_command(app)
    parts = [HEAD.format(version=version), options_of(group, f"{group.name or 'mactfusion'}")]
    parts[1:1] = [_sentences(group.help)]
    parts += ["\n\n".join(section(name, command)) for name, command in commands_of(group)]
    return "\n\n".join(parts) + "\n"


def commands_of(group: Any, start: str = "mactfusion") -> Iterator[tuple[str, Any]]:
    """Yield all commands that are shown, with their names; those of a group after the group."""
    for word, command in group.commands.items():
        if not command.hidden:
            name = f"{start} {word}"
            yield name, command
            if hasattr(command, "commands"):
                yield from commands_of(command, name)


def section(name: str, command: Any) -> Iterator[str]:
    """Yield the parts of a command's section."""
    yield f"## {name}"
    yield _sentences(command.help)
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    called = [_called(argument) for argument in arguments]
    yield f"```text\n{' '.join([name, '[OPTIONS]', *called])}\n```"
    if arguments:
        rows = [
            [code(word), _sentences(argument.help)]
            for word, argument in zip(called, arguments, strict=True)
        ]
        yield table(["argument", "what it is"], rows)
    yield options_of(command, name)
    if command.epilog:
        yield _examples(command.epilog)


def options_of(command: Any, name: str) -> str:
    """Return the tables of a command's options, one for each heading of its help."""
    context = _context(command, name)
    groups: dict[str, list[list[str]]] = {}
    for option in command.get_params(context):
        if option.param_type_name == "option" and not option.hidden:
            heading = getattr(option, "rich_help_panel", None) or OTHER
            groups.setdefault(heading, []).append(_row(option))
    head = ["option", "what it does", "values", "default"]
    is_alone = set(groups) == {OTHER}
    return "\n\n".join(
        table(head, rows) if is_alone else f"**{heading}**\n\n{table(head, rows)}"
        for heading, rows in groups.items()
    )


def _called(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()) + ("..." if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def _row(option: Any) -> list[str]:
    words = ", ".join(map(code, [*option.opts, *option.secondary_opts]))
    own = option.default if isinstance(option.default, list | tuple) else [option.default]
    shown = [str(value) for value in own if value not in (None, False, True, "")]
    default = ", ".join(map(code, shown)) if option.show_default else ""
    repeats = "; repeat" if option.multiple else ""
    values = "" if option.is_flag else values_of(option.type_descriptor.annotation) + repeats
    least = f" from {option.min}" if option.min is not None else ""
    return [words, _sentences(option.help), values + least, default]


def values_of(annotation: Any) -> str:
    """Return what an option takes, by the type of its value.

    Example:
        >>> values_of(list[int]), values_of(Literal["a", "b"])
        ('number', '`a`, `b`')
    """
    if get_origin(annotation) is list:
        return values_of(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return ", ".join(code(str(choice)) for choice in get_args(annotation))
    return {str: "text", int: "number", float: "number", Path: "path"}[annotation]


def _context(command: Any, name: str) -> Any:
    return command.context_class(command, info_name=name)


def _sentences(text: str | None) -> str:
    """Return a help text without the marks that colour it in a terminal."""
    return re.sub(r"\[/?(?:bold|dim|italic)?\]", "", text or "").strip()


def _examples(epilog: str) -> str:
    lines = [line for line in _sentences(epilog).splitlines() if line.startswith("mactfusion ")]
    return "\n".join(["```bash", *lines, "```"])
