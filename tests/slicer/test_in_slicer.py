"""The script that tests and pictures the module inside the application, as far as stand-ins go."""

from __future__ import annotations

import importlib.util
import json

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import slicer
from MACTFusionLib import self_test
from standins.application import MODULE

PICTURES = [
    *("1_nothing_loaded", "2_preview", "3_fused", "4_side_by_side", "5_checkerboard"),
    *("6_in_space", "7_not_in_place", "8_registered"),
]


@pytest.fixture
def script():
    path = MODULE.parent / "Testing" / "in_slicer.py"
    spec = importlib.util.spec_from_file_location("in_slicer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def window(warm_panel, monkeypatch):
    """The panel as the main window of an application that has this module open."""
    from PySide6.QtCore import QSize

    class Window:
        size = None

        def grab(self):
            return warm_panel.parent.grab()

    shown = Window()
    opened = []
    warm_panel.parent.resize(QSize(500, 900))
    warm_panel.parent.show()
    for name, value in (
        ("mainWindow", lambda: shown),
        ("selectModule", opened.append),
        ("getModuleWidget", lambda name: {"MACTFusion": warm_panel}[name]),
    ):
        monkeypatch.setattr(slicer.util, name, value, raising=False)
    monkeypatch.setattr(slicer.app, "applicationVersion", "5.12.3", raising=False)
    monkeypatch.setattr(self_test.MACTFusionTest, "logic", warm_panel.logic, raising=False)
    yield shown
    assert opened == ["MACTFusion"]


def test_every_step_is_taken_and_pictured(script, window, tmp_path):
    assert script.main([str(tmp_path / "out"), "--only", "test_samples_load"]) == 0
    outcome = json.loads((tmp_path / "out" / "outcome.json").read_text())
    assert outcome["cases"] == {"run": 1, "skipped": [], "failed": []}
    assert outcome["steps"] == dict.fromkeys(PICTURES, "")
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.png")) == PICTURES
    assert window.size.width() == script.SIZE[0]


def test_what_goes_wrong_is_said_and_ends_with_1(script, window, tmp_path, monkeypatch):
    def fail(_self):
        raise AssertionError("not as it should be")

    monkeypatch.setattr(self_test.MACTFusionTest, "test_samples_load", fail)
    monkeypatch.setattr(script, "PATIENCE_S", 0.2)
    monkeypatch.setattr(type(window), "grab", lambda _self: _Unwritable())
    assert script.main([str(tmp_path / "out"), "--only", "test_samples_load"]) == 1
    outcome = json.loads((tmp_path / "out" / "outcome.json").read_text())
    (failed,) = outcome["cases"]["failed"]
    assert failed.endswith("test_samples_load")
    assert outcome["steps"] == {
        PICTURES[0]: f"OSError: {tmp_path / 'out' / PICTURES[0]}.png cannot be written"
    }


class _Unwritable:
    def save(self, _path):
        return False
