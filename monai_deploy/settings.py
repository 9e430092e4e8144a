"""What a site chooses: options of the library, in the settings of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from mactfusion.errors import InputError
from mactfusion.io.reasons import reason_of
from mactfusion.option_table import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

SECTION = "fuse_study"
"""Key of the settings below which the options are."""

OWN = ("output", "format")
"""Options that the application sets."""


def read_options(settings: Path) -> dict[str, Any]:
    """Read the options of :func:`mactfusion.fuse_volumes`; whether they can be, it says itself.

    Args:
        settings: a YAML file, ``app.yaml``.

    Returns:
        Values by name; none where nothing was chosen.

    Raises:
        InputError: the file cannot be read, or holds an option that there is not.
    """
    try:
        content = yaml.safe_load(settings.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{settings} cannot be read: {reason_of(error)}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{settings} is no YAML file.") from error
    chosen = content.get(SECTION) if isinstance(content, dict) else None
    if not isinstance(chosen, dict | None):
        raise InputError(f"{settings}: {SECTION} has to hold options by name.")
    for name in chosen or ():
        if name in OWN:
            raise InputError(f"{settings}: the application itself sets {name}; leave it out.")
        if name not in OPTIONS:
            known = ", ".join(option for option in OPTIONS if option not in OWN)
            raise InputError(f"{settings}: there is no option {name}; known are {known}.")
    return chosen or {}


def in_settings(name: str, value: str | bool | None = None) -> str:
    """Say an option as ``app.yaml`` takes it; quoted, for YAML takes ``off`` for ``false``.

    Example:
        >>> in_settings("overwrite", True), in_settings("register", "off"), in_settings("weights")
        ('overwrite: true', 'register: "off"', 'the option weights')
    """
    if value is None:
        return f"the option {name}"
    return f'{name}: "{value}"' if isinstance(value, str) else f"{name}: {str(value).lower()}"
