"""Qt's classes as PythonQt shows them: properties are attributes (``button.text``)."""

from __future__ import annotations

import re

from PySide6 import QtCore, QtWidgets

from .strict import as_listed

NOT_AS_ATTRIBUTES = ("sizeHint", "minimumSizeHint", "objectName")
PLAIN = (
    *("QWidget", "QLabel", "QPushButton", "QCheckBox", "QComboBox", "QSpinBox", "QDoubleSpinBox"),
    *("QSlider", "QLineEdit", "QFrame", "QProgressBar", "QListWidget", "QTextEdit"),
    *("QPlainTextEdit", "QDialog", "QFileDialog", "QToolButton", "QRadioButton", "QGroupBox"),
)
OTHERS = ("QTimer", "QSettings", "QListWidgetItem", "QVBoxLayout", "QHBoxLayout", "QFormLayout")
_TEXTS = ("getSaveFileName", "getOpenFileName", "getOpenFileNames")


def _as_in_pythonqt(base):
    meta = getattr(base, "staticMetaObject", None)
    count = 0 if meta is None else meta.propertyCount()
    names = [meta.property(index).name() for index in range(count)]
    attributes = {name: _attribute(base, name) for name in names if name not in NOT_AS_ATTRIBUTES}
    if meta is not None:
        attributes["name"] = property(QtCore.QObject.objectName)
        # Qt's own functions of these names are what signals of PySide use.
        attributes["_instead"] = {"connect": _connect, "disconnect": _disconnect}
    if base is QtWidgets.QFileDialog:
        attributes.update({name: staticmethod(_without_filter(base, name)) for name in _TEXTS})
    return as_listed(type(base.__name__, (base,), attributes), base.__name__)


def _attribute(base, name):
    """One of Qt's properties by its functions, such as ``text`` and ``setText``."""
    capital = name[0].upper() + name[1:]
    readers = [
        getattr(base, reader, None)
        for reader in (name, f"is{capital}", f"has{capital}", f"to{capital}")
    ]
    reader = next((found for found in readers if found is not None), None)
    return property(reader, getattr(base, f"set{capital}", None))


def _without_filter(base, name):
    """The text alone, or the texts: PySide also returns the filter that was chosen."""
    return lambda *arguments: getattr(base, name)(*arguments)[0]


def _connect(self, *arguments):
    """Connect by signature, as ``button.connect("clicked(bool)", slot)``.

    The slot gets no more arguments than the signature names. PySide's signals come here too.
    """
    if not isinstance(arguments[0], str):
        return QtCore.QObject.connect(*arguments)
    signature, slot = arguments
    name, texts = re.fullmatch(r"(\w+)\((.*)\)", signature).groups()
    taker = slot if texts.strip() else lambda *_unused: slot()
    self.__dict__.setdefault("_links", {})[signature, slot] = taker
    return bool(getattr(self, name).connect(taker))


def _disconnect(self, *arguments):
    if not isinstance(arguments[0], str):
        return QtCore.QObject.disconnect(*arguments)
    signature, slot = arguments
    taker = self.__dict__.get("_links", {}).pop((signature, slot), None)
    return taker is not None and getattr(self, signature.partition("(")[0]).disconnect(taker)


CLASSES = {name: _as_in_pythonqt(getattr(QtWidgets, name)) for name in PLAIN}
CLASSES.update(
    (name, _as_in_pythonqt(getattr(QtCore, name, None) or getattr(QtWidgets, name)))
    for name in OTHERS
)
Widget = CLASSES["QWidget"]
