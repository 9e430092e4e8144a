"""What an option is: its default, its help, and the values that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Option:
    """One thing to choose.

    Attributes:
        default: its value when nothing is chosen.
        help: one or two sentences that the command line shows.
        group: heading of the help that it stands under.
        kind: type of its value; ``None`` as a value is possible where it is the default.
        choices: the only values, if there are only some.
        suggests: values worth offering where others are possible too.
        least: the smallest number.
        check: returns the value as the steps take it.
        for_each: a list has one value for each partner.
        for_all: one value is for all partners; else only "auto" is.
        flag: short name on the command line.
        is_remote: may be chosen by who is not at this machine: it names no file and no device.
        is_recorded: the record holds it.
    """

    default: Any
    help: str
    group: str
    kind: type = str
    choices: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    least: int | None = None
    check: Callable[[Any], Any] | None = None
    for_each: bool = False
    for_all: bool = False
    flag: str = ""
    is_remote: bool = False
    is_recorded: bool = True

    def checked(self, name: str, value: Any) -> Any:
        """Return one value as the steps take it.

        Raises:
            InputError: it cannot be.
        """
        if value is None and self.default is None:
            return None
        if self.choices and not (isinstance(value, str) and value in self.choices):
            raise InputError(f"Unknown {name} '{value}': choose {', '.join(self.choices)}.")
        if self.check is not None:
            return self.check(value)
        called = name.replace("_", " ")
        is_possible = isinstance(value, _TAKES[self.kind])
        if not is_possible or isinstance(value, bool) != (self.kind is bool):
            raise InputError(f"The {called} cannot be {value!r}: it is {_CALLED[self.kind]}.")
        if self.least is not None and value < self.least:
            raise InputError(f"The {called} must be {self.least} or more, not {value}.")
        return self.kind(value)


_TAKES: dict[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
    Path: (str, Path),
}
"""Types of the values that an option of each kind takes."""

_CALLED = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "the path of a file",
}
