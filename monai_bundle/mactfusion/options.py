"""What one user chose, checked once, for all steps."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.errors import InputError
from mactfusion.option_table import OPTIONS
from mactfusion.option_values import is_automatic
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Sequence


class Options:
    """What a user chose, checked, and the defaults of all else; an attribute each.

    Args:
        **chosen: values by the names of :data:`OPTIONS`. Where an option is for each partner, a
            list has one value for each.

    Raises:
        InputError: a value that cannot be, or two that contradict each other.
        TypeError: there is no such option.

    Example:
        >>> options = Options(window="brain")
        >>> options.window, options.grid, options.of_each(1)["task"]
        ('brain', 'anatomical', ['auto'])
    """

    def __init__(self, **chosen: Any) -> None:
        if unknown := sorted(set(chosen) - set(OPTIONS)):
            raise TypeError(f"There is no such option: {', '.join(unknown)}.")
        self._values: dict[str, Any] = {}
        for name, declared in OPTIONS.items():
            value = chosen.get(name, declared.default)
            if isinstance(value, tuple) and any(isinstance(one, str) for one in value):
                value = list(value)  # of texts; two numbers are one window
            if declared.for_each and is_list_of_values(value):
                self._values[name] = [declared.checked(name, one) for one in value]
            else:
                self._values[name] = declared.checked(name, value)
        _refuse_contradiction(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"There is no option {name}.")
        return self._values[name]

    def replaced(self, **settled: Any) -> Options:
        """Return the same options but for some values, which are not checked again."""
        options = Options.__new__(Options)
        options._values = {**self._values, **settled}
        return options

    def of_each(self, count: int) -> dict[str, list[Any]]:
        """Deal out the options that are for each partner.

        Args:
            count: number of partners.

        Returns:
            By the option's name one value for each partner, in their order.

        Raises:
            InputError: more or fewer values than partners. A window that fits one partner is wrong
                for another, so only "auto" is for all of them.
        """
        dealt = {}
        for name, declared in OPTIONS.items():
            if not declared.for_each:
                continue
            given = self._values[name]
            values = given if is_list_of_values(given) else [given]
            if len(values) == 1 and (declared.for_all or is_automatic(values[0])):
                values = values * count
            if len(values) != count:
                raise InputError(
                    f"The {name} is given {len(values)} times for {count} partners: give it once "
                    "for each, in their order; 'auto' is possible."
                )
            dealt[name] = values
        return dealt

    def recorded(self, count: int) -> dict[str, Any]:
        """Return what the record says of the choices; of several partners lists.

        Args:
            count: number of partners.
        """
        each = {name: one_or_each(values) for name, values in self.of_each(count).items()}
        return {
            name: each.get(name, self._values[name])
            for name, option in OPTIONS.items()
            if option.is_recorded
        }

    def chosen(self) -> dict[str, Any]:
        """Return the recorded options that are not at their defaults."""
        return {
            name: self._values[name]
            for name, option in OPTIONS.items()
            if option.is_recorded and not is_default(name, self._values[name])
        }


def _refuse_contradiction(options: Options) -> None:
    if options.lost_map and not options.check:
        raise InputError(
            f"{option('lost_map', True)} writes what the check of the result finds, and that was "
            "switched off: leave out one of both."
        )


def is_list_of_values(value: Any) -> bool:
    """Tell a list of texts, windows or colour tables from one window or one table."""
    if not isinstance(value, list):
        return False
    is_one_window = bool(value) and all(isinstance(item, Real) for item in value)
    is_one_table = len(value) > 1 and all(_is_color(item) for item in value)
    return not is_one_window and not is_one_table


def one_or_each(values: Sequence[Any]) -> Any:
    """Return the only value of one partner, and the list of those of several."""
    return list(values) if len(values) > 1 else values[0]


def _is_color(item: Any) -> bool:
    """Tell whether this is a row of a colour table: three or four numbers."""
    if isinstance(item, str):
        return False
    parts = list(item) if np.iterable(item) else []
    return len(parts) in (3, 4) and not any(np.iterable(part) for part in parts)


def is_default(name: str, value: Any) -> bool:
    """Tell whether an option is as it is when nothing is chosen; of a list whether all are.

    Args:
        name: that of the option.
        value: what was chosen, or what a record says of it.
    """
    default = OPTIONS[name].default
    values = value if is_list_of_values(value) and value else [value]
    return all(type(one) is type(default) and one == default for one in values)
