"""``ctkPathLineEdit``, with the signals and the validator of the real one."""

from __future__ import annotations

import re

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from .pythonqt import CLASSES, Widget

FILES, DIRS, WRITABLE = "Files", "Dirs", "Writable"


class PathLineEdit(Widget):
    """An editable list of paths.

    ``currentPathChanged`` comes with every key, and for acceptable text only: emptying the line is
    said by ``validInputChanged``.
    """

    currentPathChanged = Signal(str)  # noqa: N815
    validInputChanged = Signal(bool)  # noqa: N815

    def __init__(self, parent=None):
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._name_filters, self._filters = [], {FILES, DIRS}
        self._label, self._key = "", ""
        self._is_valid = False
        self._combo, self._line = CLASSES["QComboBox"](), CLASSES["QLineEdit"]()
        self._button = QtWidgets.QToolButton(text="...")
        self._button.clicked.connect(self.browse)
        self._combo.setEditable(True)
        self._combo.setInsertPolicy(QtWidgets.QComboBox.NoInsert)
        self._combo.setLineEdit(self._line)
        self._validator = QtGui.QRegularExpressionValidator()
        self._line.setValidator(self._validator)
        self._set_name_filters([])
        self._line.textChanged.connect(self._tell)
        layout.addWidget(self._combo)
        layout.addWidget(self._button)

    def comboBox(self):  # noqa: N802
        return self._combo

    def setCurrentPath(self, path):  # noqa: N802
        self._line.setText(path)

    def browse(self):
        """Ask for a file, or for a folder where no file is allowed."""
        dialog, start = CLASSES["QFileDialog"], self._line.text
        kinds = ";;".join(self._name_filters)
        if FILES not in self._filters:
            path = dialog.getExistingDirectory(self, "Select a directory...", start)
        elif WRITABLE in self._filters:
            path = dialog.getSaveFileName(self, "Select a file to save ", start, kinds)
        else:
            path = dialog.getOpenFileName(self, "Open a file", start, kinds)
        if path:
            self.setCurrentPath(path)

    def addCurrentPathToHistory(self):  # noqa: N802
        path = self._line.text
        if not path:
            return
        key = f"ctkPathLineEdit/{self._key or self.objectName()}"
        settings = QtCore.QSettings()
        former = [each for each in settings.value(key, []) or [] if each != path]
        settings.setValue(key, [path, *former])
        self._combo.blockSignals(True)
        place = self._combo.findText(path)
        if place >= 0:
            self._combo.removeItem(place)
        self._combo.insertItem(0, path)
        self._combo.setCurrentIndex(0)
        self._combo.blockSignals(False)

    def _tell(self, path):
        was_valid, self._is_valid = self._is_valid, self._line.hasAcceptableInput()
        if self._is_valid:
            self.currentPathChanged.emit(path)
        if self._is_valid != was_valid:
            self.validInputChanged.emit(self._is_valid)

    def _set_name_filters(self, filters):
        self._name_filters = list(filters)
        globs = [glob for each in filters for glob in re.findall(r"\*[^\s;)]*", each)]
        pattern = "|".join(glob.replace(".", r"\.").replace("*", ".*") for glob in globs)
        self._validator.setRegularExpression(QtCore.QRegularExpression(pattern or ".+"))

    currentPath = Property(  # noqa: N815
        str, lambda self: self._line.text, lambda self, path: self.setCurrentPath(path)
    )
    nameFilters = Property(  # noqa: N815
        "QStringList", lambda self: self._name_filters, _set_name_filters
    )
    settingKey = Property(  # noqa: N815
        str, lambda self: self._key, lambda self, key: setattr(self, "_key", key)
    )
    label = Property(
        str, lambda self: self._label, lambda self, text: setattr(self, "_label", text)
    )
    showBrowseButton = Property(  # noqa: N815
        bool,
        lambda self: not self._button.isHidden(),
        lambda self, is_on: self._button.setVisible(is_on),
    )
