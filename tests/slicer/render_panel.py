"""Draw the panel without the application: ``render_panel.py PNG [PNG]`` fuses the sample data.

The first picture has the light theme after a fusion on the left, and the dark one during the next
on the right; the second one, if named, the light theme before anything is loaded, and the dark one
after an error. Needs the environment of ``make test-panel`` and a Python with the library, as the
tests do.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
import conftest  # noqa: F401  puts everything in place
import qt
import slicer
from MACTFusionLib.nodes.samples import load_samples
from MACTFusionLib.widget import MACTFusionWidget
from PySide6 import QtCore, QtGui
from standins.application import Scene

SIZE = (420, 780)
DARK = {
    "Window": "#2f2f2f",
    "WindowText": "#eeeeee",
    "Base": "#242424",
    "AlternateBase": "#383838",
    "Text": "#eeeeee",
    "Button": "#3c3c3c",
    "ButtonText": "#eeeeee",
    "Highlight": "#3d7ebf",
    "HighlightedText": "#ffffff",
    "Mid": "#555555",
    "Light": "#505050",
    "Dark": "#202020",
}


def main() -> None:
    """Write the pictures to the paths of the command line."""
    application = slicer.app.qt
    # What is chosen here must neither come from the user's own settings nor go there.
    own = tempfile.TemporaryDirectory()
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
    QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, QtCore.QSettings.UserScope, own.name)
    application.setStyle("Fusion")
    application.setFont(QtGui.QFont("DejaVu Sans", 9))
    scene = Scene()
    panel, parent = _open()
    panel._parameters.livePreview = False
    parent.resize(*SIZE)
    parent.show()
    idle = parent.grab()
    panel._parameters.anatomical, panel._parameters.partner = load_samples()
    panel.ui.applyButton.click()
    _until(lambda: not panel.logic.is_running and "lies where" in panel.ui.placeLabel.text)
    light = parent.grab()
    application.setPalette(_dark())
    _until(lambda: True)  # widgets learn of it by events
    panel.ui.applyButton.click()
    _until(lambda: panel.ui.progressLabel.text.startswith("Slice 1"))
    dark = parent.grab()
    panel.ui.cancelButton.click()
    _until(lambda: not panel.logic.is_running)
    panel.ui.pythonEdit.currentPath = "/no/such/python"
    panel.ui.applyButton.click()
    error = parent.grab()
    panel.cleanup()
    for path, pictures in zip(sys.argv[1:], ((light, dark), (idle, error)), strict=False):
        _side_by_side(*pictures).save(str(Path(path)))
    # The colour logic takes its colours out of the scene as it goes. A slice logic that goes later
    # and still shows a volume would use one that is gone; an empty scene shows none.
    scene.reset()
    own.cleanup()


def _open() -> tuple:
    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    panel = MACTFusionWidget(parent)
    panel.setup()
    panel.enter()
    return panel, parent


def _until(condition) -> None:
    while not condition():
        slicer.app.processEvents()
        time.sleep(0.01)
    for _ in range(20):
        slicer.app.processEvents()


def _dark() -> QtGui.QPalette:
    palette = QtGui.QPalette()
    for role, color in DARK.items():
        palette.setColor(getattr(QtGui.QPalette, role), QtGui.QColor(color))
    for role in ("WindowText", "Text", "ButtonText"):
        palette.setColor(
            QtGui.QPalette.Disabled, getattr(QtGui.QPalette, role), QtGui.QColor("#808080")
        )
    return palette


def _side_by_side(first: QtGui.QPixmap, second: QtGui.QPixmap) -> QtGui.QPixmap:
    whole = QtGui.QPixmap(first.width() + second.width(), first.height())
    painter = QtGui.QPainter(whole)
    painter.drawPixmap(0, 0, first)
    painter.drawPixmap(first.width(), 0, second)
    painter.end()
    return whole


if __name__ == "__main__":
    main()
