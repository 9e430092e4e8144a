"""Where something was saved last."""

from __future__ import annotations

from pathlib import Path


class LastFolder:
    """The folder that a dialog begins in, for as long as the panel lives.

    It is not kept in the settings: a folder may be named after a patient.

    Attributes:
        path: of the folder that was saved to last, the user's own before.
    """

    def __init__(self) -> None:
        self.path = Path.home()
