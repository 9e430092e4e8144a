"""Status of the panel: the verdict at a glance, how long a run takes, and what cannot be used."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import qt
import slicer
from MACTFusionLib.made_volumes import make_pair
from MACTFusionLib.nodes.volumes import geometry_of
from MACTFusionLib.panel import estimate, verdict
from MACTFusionLib.panel.allow import allow
from MACTFusionLib.parameters import chosen_options
from MACTFusionLib.summary import coverage_sentence
from MACTFusionLib.worker import install
from render_panel import DARK
from results import fused_of
from standins.application import MODULE

pytestmark = pytest.mark.usefixtures("no_worker")
UI = MODULE.parent / "Resources" / "UI" / "MACTFusion.ui"
CPU = {"name": "cpu", "title": "x86_64", "free_bytes": 2**31, "total_bytes": 2**32}
LIGHT = "#efefef"


def luminance(color):
    channels = [channel / 255 for channel in qt.QColor(color).toTuple()[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("level", verdict.COLORS)
def test_coloured_text_is_legible_in_both_themes(level):
    for ink, paper in zip(verdict.COLORS[level], (LIGHT, DARK["Window"]), strict=True):
        bright, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (level, ink)


def test_icons_differ_in_shape_and_not_in_colour_alone(scene):
    """Without colour, as outlines and greys, no icon is like another."""
    drawn = {}
    for level in verdict.MARKS:
        image = verdict._pixmap(level).toImage().convertToFormat(qt.QImage.Format_ARGB32)
        assert image.width() == image.height() >= 36
        alpha = [
            qt.QColor.fromRgba(image.pixel(x, y)).alpha() > 127
            for y in range(image.height())
            for x in range(image.width())
        ]
        drawn[level] = np.array(alpha)
    for first in drawn:
        for second in drawn:
            if first < second:
                assert np.mean(drawn[first] != drawn[second]) > 0.03, (first, second)


def test_the_worst_of_several_is_the_icon_and_each_line_has_a_mark(panel):
    ui = panel.ui
    lines = [("A.", verdict.GOOD), ("B.", verdict.BAD), ("C.", verdict.UNKNOWN)]
    verdict.show_verdict(ui.verdictLabel, ui.placeLabel, lines)
    assert ui.placeLabel.text == "✓ A.\n✗ B.\n– C."
    assert ui.verdictLabel.accessibleName == "Does not fit"
    verdict.show_verdict(ui.verdictLabel, ui.placeLabel, lines[:1])
    assert ui.placeLabel.text == "A."
    verdict.show_verdict(ui.verdictLabel, ui.placeLabel, [])
    assert ui.verdictLabel.isHidden()
    assert ui.placeLabel.isHidden()


def test_a_partner_that_covers_little_is_pointed_out(scene):
    mr, pet = make_pair()
    assert coverage_sentence(mr, pet, is_named=False) == (
        "It covers 100 % of the result.",
        verdict.GOOD,
    )
    affine = geometry_of(pet).affine.copy()
    affine[0, 3] -= 30
    pet.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
    sentence, level = coverage_sentence(mr, pet, is_named=True)
    assert sentence.startswith("PET covers 3")
    assert sentence.endswith(" % of MR.")
    assert level == verdict.UNSURE


def test_time_is_that_of_the_last_run_of_its_kind_and_none_is_invented(panel, monkeypatch):
    ui, chosen = panel.ui, panel._parameters
    monkeypatch.setitem(panel.logic.session.hello, "devices", [CPU])
    chosen.anatomical, chosen.partner = make_pair()
    assert ui.timeLabel.isHidden()
    kind = estimate.kind_of_run(CPU, chosen_options(chosen), 1)
    voxels = 24 * 20 * 6
    estimate.learn(kind, 10 * voxels, 900.0)
    panel.refresh()
    assert ui.timeLabel.text == "Takes about 1 min 30 s."
    estimate.learn(kind, voxels, 0.2)
    panel.refresh()
    assert ui.timeLabel.text == "Takes about 1 s."
    chosen.model = "other"  # nobody knows how long that one takes
    assert ui.timeLabel.isHidden()
    chosen.model = ""
    assert not ui.timeLabel.isHidden()
    chosen.partner = None
    assert ui.timeLabel.isHidden()


def test_a_run_teaches_how_long_the_next_takes(panel, monkeypatch):
    monkeypatch.setitem(panel.logic.session.hello, "devices", [CPU])
    chosen, runs = panel._parameters, panel.runs
    chosen.anatomical, chosen.partner = make_pair()
    options = panel.logic.options_of(chosen)
    times = iter([100.0, 142.0])
    runs._clock = lambda: next(times)
    told = {}

    def start(_anatomical, _partner, _output, _options, on_end, on_news):
        told.update(end=on_end, news=on_news)

    monkeypatch.setattr(panel.logic, "start_fusion", start)
    monkeypatch.setattr(runs, "_install", lambda: True)
    runs.begin([(chosen.anatomical, chosen.partner, None, options)])
    assert panel.ui.progressLabel.text == "Handing over the volumes"
    told["news"]({"reply": "progress", "stage": "hand over", "done": 30, "total": 40})
    assert (panel.ui.progressBar.value, panel.ui.progressBar.maximum) == (30, 40)
    told["end"](fused_of(chosen.anatomical, chosen.partner), None)
    panel.refresh()
    assert panel.ui.timeLabel.text == "Takes about 42 s."


@pytest.mark.parametrize("kept", ["no json", "[]", '{"a": "b", "c": -1.0, "d": 0.0}'])
def test_settings_of_others_are_no_rates(scene, kept):
    qt.QSettings().setValue(estimate._RATES, kept)
    assert estimate.expected_seconds("a", 1) is None
    assert estimate.expected_seconds("c", 1) is None
    estimate.learn("e", 2, 1.0)
    assert estimate.expected_seconds("e", 4) == 2.0
    for number in range(3 * estimate._MOST):
        estimate.learn(str(number), 1, 1.0)
    assert len(json.loads(qt.QSettings().value(estimate._RATES))) == estimate._MOST


def test_missing_libraries_are_said_where_the_preview_is_switched_on(panel, monkeypatch):
    monkeypatch.setattr(install, "too_old", lambda: "")
    monkeypatch.setattr(install, "has_torch", lambda: True)
    library = install.Library("monai>=1", 100)
    monkeypatch.setattr(install, "missing", lambda _requirements: [library])
    ui = panel.ui
    panel.refresh()
    assert ui.previewCheckBox.checked
    assert "Libraries are missing (monai): press Apply" in ui.previewLabel.text
    assert not ui.previewLabel.isHidden()
    ui.previewCheckBox.checked = False
    assert ui.previewLabel.isHidden()
    monkeypatch.setattr(install, "missing", lambda _requirements: [])
    ui.previewCheckBox.checked = True
    assert ui.previewLabel.isHidden()


def test_whatever_is_disabled_says_why(panel):
    ui = panel.ui
    own = {name: widget.toolTip for name, widget in vars(ui).items()}
    tips = {
        node.get("name"): node.findtext("property[@name='toolTip']/string")
        for node in ET.parse(UI).iter("widget")
    }

    def assert_said():
        shown = {name: widget for name, widget in vars(ui).items() if not widget.isHidden()}
        disabled = {
            name: widget.toolTip
            for name, widget in shown.items()
            if not widget.enabled and tips.get(name)
        }
        assert disabled
        for name, tip in disabled.items():
            assert tip != tips[name], name
            assert tip.endswith((".", "Apply")), name

    assert_said()
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    assert_said()
    assert ui.applyButton.toolTip == tips["applyButton"]
    assert own["applyButton"] != tips["applyButton"]


def test_what_has_nothing_to_say_stays_hidden_when_its_section_opens(panel, monkeypatch):
    ui = panel.ui
    panel.parent.show()
    monkeypatch.setitem(panel.logic.session.hello, "devices", [CPU])
    chosen = panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    panel._settled()
    assert not ui.sourcesLabel.isHidden()
    for section in (ui.inputsSection, ui.resultSection):
        section.collapsed = True
    chosen.anatomical = chosen.partner = None
    for section in (ui.inputsSection, ui.resultSection):
        section.collapsed = False
    for widget in (ui.sourcesLabel, ui.windowsLabel, ui.anatomicalWindowWidget, ui.originLabel):
        assert widget.isHidden(), widget.name
    ui.advancedSection.collapsed = False
    panel.parent.hide()


def test_a_tooltip_comes_back(scene):
    button = qt.QPushButton()
    button.toolTip = "Does it."
    allow(button, "Not now.")
    allow(button, "Nor now.")
    assert (button.enabled, button.toolTip) == (False, "Nor now.")
    allow(button)
    assert (button.enabled, button.toolTip) == (True, "Does it.")


def test_labels_that_show_names_are_plain_text():
    rich = {"legendLabel"}
    for node in ET.parse(UI).iter("widget"):
        is_empty = node.find("property[@name='text']") is None
        if node.get("class") == "QLabel" and is_empty and node.get("name") != "verdictLabel":
            written = node.findtext("property[@name='textFormat']/enum")
            wanted = "Qt::RichText" if node.get("name") in rich else "Qt::PlainText"
            assert written == wanted, node.get("name")


def test_every_field_has_a_label_that_leads_to_it():
    tree = ET.parse(UI)
    buddies = [node.text for node in tree.iterfind(".//property[@name='buddy']/cstring")]
    names = {node.get("name"): node.get("class") for node in tree.iter("widget")}
    assert len(buddies) == len(set(buddies)) > 20
    assert set(buddies) <= set(names)
    stops = [node.text for node in tree.iterfind("tabstops/tabstop")]
    assert len(stops) == len(set(stops))
    clickable = {name for name, kind in names.items() if kind in ("QPushButton", "QCheckBox")}
    assert clickable <= set(stops) <= set(names)
    wired = {node.text for node in tree.iterfind("connections/connection/receiver")}
    assert wired == {name for name, kind in names.items() if kind == "qMRMLNodeComboBox"}


def test_the_panel_is_as_narrow_as_slicers_module_panel(panel):
    slicer.app.processEvents()
    assert panel.parent.layout().minimumSize().width() <= 420
    assert Path(UI).is_file()
