"""Beside the result: blend, windows of the sources, provenance; and the log while it is written."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import slicer
from MACTFusionLib import widget
from MACTFusionLib.made_volumes import make_pair
from MACTFusionLib.panel.result import origin_text
from MACTFusionLib.parameters import Display
from results import fused_of

pytestmark = pytest.mark.usefixtures("no_worker")


def test_windows_of_the_sources_are_those_of_their_views(panel, chosen, volumes):
    ui, (mr, pet, _ct) = panel.ui, volumes
    panel._settled()
    widgets = [
        ui.anatomicalWindowWidget,
        ui.partnerWindowWidget,
        ui.thirdWindowWidget,
        ui.fourthWindowWidget,
    ]
    assert [widget.mrmlVolumeNode() for widget in widgets] == [*volumes, None]
    assert [widget.isHidden() for widget in widgets] == [False, False, False, True]
    assert "they are what is fused" in ui.windowsLabel.text
    chosen.display = Display.FIXED
    assert "the result has fixed ones" in ui.windowsLabel.text
    chosen.partner = fused_of(mr, pet)  # a volume in colour has no window
    assert ui.partnerWindowWidget.isHidden()
    slicer.mrmlScene.Clear(False)
    assert [widget.mrmlVolumeNode() for widget in widgets] == [None] * 4


def test_blend_is_seen_in_the_usual_views(panel, chosen, volumes):
    mr, pet, ct = volumes
    ui = panel.ui
    panel._settled()
    assert not ui.blendSlider.enabled
    assert "press Apply" in ui.blendSlider.toolTip
    fused = fused_of(mr, [pet, ct])
    panel._settled()
    assert ui.blendSlider.enabled
    red, green = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[:2]
    red.SetForegroundVolumeID(fused.GetID())
    green.SetForegroundVolumeID(pet.GetID())
    before = green.GetForegroundOpacity()
    ui.blendSlider.value = 0.25
    assert red.GetForegroundOpacity() == pytest.approx(0.25)
    assert green.GetForegroundOpacity() == before  # what the user put there stays


def test_provenance_is_one_line(panel, chosen, volumes):
    mr, pet, ct = volumes
    panel._settled()
    assert panel.ui.originLabel.isHidden()
    fused = fused_of(
        mr,
        [pet, ct],
        versions={"mactfusion": "1.2.3"},
        weights={"name": "n", "sha256": "0123456789abcdef"},
        options={"model": "pixel_weights"},
    )
    panel._settled()
    assert panel.ui.originLabel.text == (
        "MR + PET + CT fused: made of MR + PET + CT by pixel_weights, weights 01234567, "
        "mactfusion 1.2.3."
    )
    fused.SetAttribute("MACTFusion.Versions", "of another program")
    assert origin_text(fused).endswith("mactfusion ?.")
    assert origin_text(None) == ""


def test_the_log_is_read_while_it_is_written(panel):
    ui, log = panel.ui, panel.logic.session.log
    assert ui.logText.isHidden()
    log.append(b"first\nhalf a l")
    ui.logButton.checked = True
    assert not ui.logText.isHidden()
    assert ui.logText.plainText == "first"
    log.append("ine, ä\n".encode())
    panel.live_log.read()
    panel.live_log.read()
    assert ui.logText.plainText == "first\nhalf a line, ä"
    panel.exit()
    assert not panel.live_log._timer.isActive()
    panel.enter()
    assert panel.live_log._timer.isActive()
    ui.logButton.checked = False
    assert not panel.live_log._timer.isActive()
    assert ui.logText.isHidden()


def test_the_pump_is_quick_only_while_an_answer_is_awaited(panel, monkeypatch):
    intervals_ms = []
    monkeypatch.setattr(panel._pump_timer, "setInterval", intervals_ms.append)
    session = panel.logic.session

    class Process:
        is_alive = is_busy = True

        def request(self, _kind, _listener, **_fields):
            return 1

        def pump(self):
            pass

        def stop(self, _grace_s):
            pass

    monkeypatch.setattr(session, "_process", Process())
    session.converse(session.greet(), lambda *_: None)
    assert panel._pump_timer.isActive()
    panel._pump()
    session.converse(session.greet(), lambda *_: None)
    assert intervals_ms == [widget._POLL_MS]  # a timer that is set anew begins anew
    session._process.is_busy = False
    panel._pump()
    panel._pump()
    assert intervals_ms == [widget._POLL_MS, widget._IDLE_MS]


def test_nothing_is_chosen_or_started_before_the_module_is_entered(scene, monkeypatch):
    import qt

    make_pair()
    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    panel = widget.MACTFusionWidget(parent)
    panel.setup()
    assert panel._parameters is None
    assert not panel._settle_timer.isActive()
    assert not panel._pump_timer.isActive()
    panel.enter()
    assert panel._parameters.anatomical.GetName() == "MR"
    panel.cleanup()
