"""Paths that a user types or chooses, taken when the user is done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class PathChoice:
    """Tells of another path once it is whole: after Enter, elsewhere, or from a dialog.

    A path that is being typed is not told of: it would be another file with each key. An emptied
    path counts, which the edit itself does not tell of, as it takes it for a mistake.

    Args:
        edit: the path edit.
        chosen: called with the path where it is another one.
    """

    def __init__(self, edit: Any, chosen: Callable[[str], None]) -> None:
        self._edit = edit
        self._chosen = chosen
        self._known = edit.currentPath
        self._line = edit.comboBox().lineEdit()
        self._line.setValidator(None)
        self._line.editingFinished.connect(self.take)
        edit.currentPathChanged.connect(self._changed)

    def show(self, path: str) -> None:
        """Show a path without telling of it, unless another one is being typed."""
        self._known = path
        if self._edit.currentPath != path and not self._line.focus:
            self._edit.currentPath = path

    def take(self, *_unused: object) -> None:
        """Tell of the path that stands there now, if it is another one."""
        path = self._edit.currentPath.strip()
        if path != self._known:
            self._known = path
            self._chosen(path)

    def _changed(self, *_unused: object) -> None:
        if not self._line.focus:  # from the dialog or the history, or set by the panel
            self.take()
