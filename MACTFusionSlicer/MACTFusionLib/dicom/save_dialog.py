"""The dialog of *Save as DICOM*: where to, one object or many images, with or without a patient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from .dialog import Dialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..panel.last_folder import LastFolder

_DATABASE, _TO_FOLDER = 0, 1
_SERIES, _OBJECT = 0, 1


@dataclass(frozen=True)
class Wish:
    """What was chosen.

    Attributes:
        folder: where the result goes; None for the DICOM database.
        is_object: one multi-frame object, not one image a slice.
        is_anonymous: nothing of the patient goes into it.
    """

    folder: Path | None
    is_object: bool
    is_anonymous: bool


class SaveDialog:
    """Asks for a :class:`Wish`; closed at once by Cancel.

    Args:
        path: of the ``.ui`` file.
        name: of the fused volume.
        owner: how the anatomical volume is called.
        has_database: whether a DICOM database is open.
        parent: widget whose window it stands before.
        last: where something was saved last.
        chosen: called with the wish.
    """

    def __init__(
        self,
        path: str,
        name: str,
        owner: str,
        has_database: bool,
        parent: Any,
        last: LastFolder,
        chosen: Callable[[Wish], None],
    ) -> None:
        self._dialog = Dialog(path, _("Save {name} as DICOM").format(name=name), parent)
        self.ui: Any = self._dialog.ui
        self._owner = owner
        self._has_database = has_database
        self._parent = parent
        self._last = last
        self._chosen = chosen
        ui = self.ui
        ui.destinationComboBox.setCurrentIndex(_DATABASE if has_database else _TO_FOLDER)
        ui.destinationComboBox.currentIndexChanged.connect(self._tell)
        ui.anonymousCheckBox.toggled.connect(self._tell)
        ui.acceptButton.clicked.connect(self._accept)
        ui.rejectButton.clicked.connect(self._dialog.close)
        self._tell()
        self._dialog.open()

    def close(self) -> None:
        """Close it without a word to anybody."""
        self._dialog.close()

    def _tell(self, *_unused: object) -> None:
        """Say what will come of it."""
        ui = self.ui
        is_to_database = ui.destinationComboBox.currentIndex == _DATABASE
        if ui.anonymousCheckBox.checked:
            whose = _(
                "The result belongs to nobody: it takes nothing of the patient, and lies in a "
                "frame of reference of its own. Text that is part of the images stays."
            )
        else:
            whose = _(
                "The result is a new series in the study of {owner}, in its frame of reference, "
                "and names the images that it was computed from."
            ).format(owner=self._owner)
        lacks = is_to_database and not self._has_database
        where = _("No DICOM database is open; choose a folder.") if lacks else ""
        ui.explanationLabel.text = " ".join(filter(None, [whose, where]))
        ui.acceptButton.enabled = not lacks

    def _accept(self, *_unused: object) -> None:
        ui, folder = self.ui, None
        if ui.destinationComboBox.currentIndex == _TO_FOLDER:
            title, before = _("Folder that the result goes into"), str(self._last.path)
            told = qt.QFileDialog.getExistingDirectory(self._parent, title, before)
            if not told:
                return
            folder = self._last.path = Path(told)
        wish = Wish(
            folder, ui.formatComboBox.currentIndex == _OBJECT, bool(ui.anonymousCheckBox.checked)
        )
        self._dialog.close()
        self._chosen(wish)
