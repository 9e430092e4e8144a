"""What goes wrong on purpose: one clear sentence for the user, never a traceback."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class InputError(ValueError):
    """The input cannot be fused. The message says what is wrong, in which file, and what to do."""


class FusionCancelled(RuntimeError):
    """The caller asked to stop; nothing was written."""


class FusionWarning(UserWarning):
    """The result is usable, and there is something about it that the user should know."""


def note(data: MutableMapping[str, Any], message: str) -> None:
    """Warn about one case and keep the sentence with its data.

    Args:
        data: the dictionary that travels through the recipe; its ``notes`` (one sentence a line)
            end up in the sidecar and in the report.
        message: one sentence, without patient data.
    """
    data["notes"] = f"{data.get('notes', '')}{message}\n"
    warnings.warn(message, FusionWarning, stacklevel=2)
