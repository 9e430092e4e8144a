"""The panel without the application: real MRML scenes, the real .ui, the real worker.

Run in an environment of its own (``make test-panel``). Elsewhere these tests are skipped. Slicer's
Python layer is taken from the folder that MACTFUSION_SLICER_PYTHON names (``bin/Python/slicer`` of
an installed Slicer); without it from a reduced stand-in. The library's Python is
MACTFUSION_PYTHON, by default that of ``.venv``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HAS_SLICER = all(importlib.util.find_spec(name) for name in ("slicer_core", "PySide6"))
LAYER = os.environ.get("MACTFUSION_SLICER_PYTHON", "")

if not HAS_SLICER:
    collect_ignore = ["standins"]
else:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(ROOT / "MACTFusionSlicer"), str(Path(__file__).parent)]
    import slicer
    import slicer.util
    from standins import application, qt_layer

    qt_layer.install(slicer)
    application.install()
    if LAYER:
        slicer.__path__.append(LAYER)
    else:
        from standins import reduced

        reduced.install()
    PYTHON = ROOT / ".venv" / "bin" / "python"
    if PYTHON.is_file():
        os.environ.setdefault("MACTFUSION_PYTHON", str(PYTHON))


def pytest_report_header(config):
    if not HAS_SLICER:
        return "panel: skipped, no slicer-core here; run make test-panel"
    return f"panel: Slicer's Python layer {'from ' + LAYER if LAYER else 'is reduced'}"


@pytest.fixture(scope="session")
def only_scene():
    """The application has one scene as long as it lives."""
    from standins.application import Scene

    return Scene()


@pytest.fixture
def scene(only_scene, tmp_path):
    """An empty scene with three slice views, and settings that no one else has."""
    from PySide6.QtCore import QSettings

    QSettings.setDefaultFormat(QSettings.IniFormat)
    QSettings.setPath(QSettings.IniFormat, QSettings.UserScope, str(tmp_path / "settings"))
    only_scene.reset()
    yield only_scene
    only_scene.reset()


@pytest.fixture(scope="session")
def library():
    """Skip where there is no Python with the library."""
    if not os.environ.get("MACTFUSION_PYTHON"):
        pytest.skip("needs a Python with mactfusion: make setup, or set MACTFUSION_PYTHON")


@pytest.fixture
def no_worker(monkeypatch):
    """Nothing is fused; whoever starts a worker fails."""
    monkeypatch.setenv("MACTFUSION_PYTHON", "")


@pytest.fixture(scope="session")
def only_logic(only_scene, library):
    """One worker for all tests that leave it as it was: it takes seconds to start."""
    from MACTFusionLib.logic import MACTFusionLogic

    logic = MACTFusionLogic()
    yield logic
    logic.stop()


@pytest.fixture
def logic(scene, only_logic):
    """A logic without memory of other tests."""
    only_logic.close_scene()
    return only_logic


@pytest.fixture
def panel(scene):
    """The panel as it is when its module is opened, without a worker yet."""
    import qt
    import slicer
    from MACTFusionLib import widget

    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    panel = widget.MACTFusionWidget(parent)
    panel.setup()
    panel.enter()
    yield panel
    panel.cleanup()


@pytest.fixture
def volumes(scene):
    """An MR, its PET and CT, and a cross-hair as the application has one."""
    import numpy as np
    import slicer
    from MACTFusionLib.nodes.volumes import geometry_of
    from MACTFusionLib.self_test import SHAPE, add_volume, make_pair

    slicer.mrmlScene.AddNode(slicer.vtkMRMLCrosshairNode())
    mr, pet = make_pair()
    return mr, pet, add_volume("CT", np.zeros(SHAPE, np.int16), geometry_of(mr).affine)


@pytest.fixture
def chosen(panel, volumes):
    """The choices of the panel: an MR with its PET and CT, without a preview."""
    chosen = panel._parameters
    chosen.livePreview = False
    chosen.anatomical, chosen.partner, chosen.third = volumes
    return chosen


@pytest.fixture
def saved_and_opened(panel, scene, tmp_path):
    """Save the scene, close it and open the file; returns the panel's choices."""

    def run():
        path = str(tmp_path / "scene.mrml")
        scene.scene.SetURL(path)
        assert scene.scene.Commit(path)
        scene.scene.Clear(False)
        assert panel._parameters.anatomical is None
        assert panel._parameters.third is None
        panel.setParameterNode(None)
        scene.scene.SetURL(path)
        assert scene.scene.Import()
        panel.initializeParameterNode()
        return panel._parameters

    return run


@pytest.fixture
def warm_panel(panel, only_logic):
    """The panel with the worker that is warm already, on the CPU, without a preview."""
    panel.logic.session = panel.machine._session = only_logic.session
    only_logic.session.asked = panel._hurry
    only_logic.close_scene()
    panel._parameters.livePreview = False
    panel._parameters.device = "cpu"
    yield panel
    only_logic.session.asked = lambda: None
    panel.logic.session = type(only_logic.session)()  # the worker lives on for other tests
