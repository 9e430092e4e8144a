"""Draw the panel without the application: ``render_panel.py FOLDER [STATE ...]``.

Writes a picture of each state, the light theme on the left and the dark one on the right: ``idle``
(nothing loaded), ``loaded``, ``running``, ``result``, ``warning`` (a partner that is off),
``error``, ``advanced`` (the sections that are closed otherwise). The sample data are fused for it.
Needs the environment of ``make test-panel`` and a Python with the library, as the tests do.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
import conftest  # noqa: F401  puts everything in place
import numpy as np
import qt
import slicer
from MACTFusionLib.made_volumes import put_under
from MACTFusionLib.widget import MACTFusionWidget
from PySide6 import QtCore, QtGui, QtWidgets
from standins.application import Scene

WIDTH = 420
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


def plain_application() -> tempfile.TemporaryDirectory:
    """Give the application a look that every system has; return the folder of its settings.

    What is chosen here must neither come from the user's own settings nor go there.
    """
    application = slicer.app.qt
    own = tempfile.TemporaryDirectory()
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
    QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, QtCore.QSettings.UserScope, own.name)
    application.setStyle("Fusion")
    application.setFont(QtGui.QFont("DejaVu Sans", 9))
    return own


def main() -> None:
    """Write the pictures into the folder of the command line."""
    own = plain_application()
    scene = Scene()
    panel, parent = _open()
    panel._parameters.livePreview = False
    parent.show()
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    for name, enter in STATES.items():
        enter(panel)
        if not wanted or name in wanted:
            _draw(panel, parent).save(str(folder / f"panel_{name}.png"))
    panel.ui.cancelButton.click()
    panel.cleanup()
    # The colour logic takes its colours out of the scene as it goes. A slice logic that goes later
    # and still shows a volume would use one that is gone; an empty scene shows none.
    scene.reset()
    own.cleanup()


def _idle(panel: MACTFusionWidget) -> None:
    panel._settled()


def _loaded(panel: MACTFusionWidget) -> None:
    panel.ui.sampleButton.click()
    panel.ui.checkButton.click()
    _until(lambda: "lies where" in panel.ui.placeLabel.text and not panel.logic.session.is_busy)
    panel.runs.say("")


def _running(panel: MACTFusionWidget) -> None:
    panel.ui.applyButton.click()
    _until(lambda: panel.ui.progressLabel.text.startswith("Slice 1"))


def _result(panel: MACTFusionWidget) -> None:
    _until(lambda: not panel.logic.is_running)
    panel._settled()


def _warning(panel: MACTFusionWidget) -> None:
    shift = np.eye(4)
    shift[:3, 3] = (12, -9, 5)
    put_under(panel._parameters.partner, shift)
    panel._settled()
    _until(lambda: "is off" in panel.ui.placeLabel.text)


def _error(panel: MACTFusionWidget) -> None:
    panel.ui.pythonEdit.currentPath = "/no/such/python"
    panel.ui.applyButton.click()


def _advanced(panel: MACTFusionWidget) -> None:
    panel.ui.pythonEdit.currentPath = ""
    panel.runs.say("")
    for section in (panel.ui.inputsSection, panel.ui.outputSection, panel.ui.resultSection):
        section.collapsed = True
    for section in (panel.ui.advancedSection, panel.ui.batchSection):
        section.collapsed = False
    panel.ui.findPairsButton.click()
    panel.ui.logButton.checked = True


STATES = {
    "idle": _idle,
    "loaded": _loaded,
    "running": _running,
    "result": _result,
    "warning": _warning,
    "error": _error,
    "advanced": _advanced,
}


def _draw(panel: MACTFusionWidget, parent: QtWidgets.QWidget) -> QtGui.QPixmap:
    """Return the panel in both themes, as high as it wants to be."""
    pictures = []
    for palette in (QtGui.QPalette(), _dark()):
        QtWidgets.QApplication.setPalette(palette)
        _pass()  # widgets learn of it by events
        panel.refresh()
        _pass()
        parent.resize(WIDTH, parent.layout().totalHeightForWidth(WIDTH))
        _pass()
        pictures.append(parent.grab())
    return _side_by_side(*pictures)


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


def _pass() -> None:
    for _ in range(20):
        QtCore.QCoreApplication.sendPostedEvents()
        QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.ExcludeUserInputEvents, 5)


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
    whole = QtGui.QPixmap(first.width() + second.width(), max(first.height(), second.height()))
    painter = QtGui.QPainter(whole)
    painter.drawPixmap(0, 0, first)
    painter.drawPixmap(first.width(), 0, second)
    painter.end()
    return whole


if __name__ == "__main__":
    main()
